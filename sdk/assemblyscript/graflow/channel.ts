import * as abi from "./abi";
import { Bytes, reply } from "./bytes";
import { Value } from "./value";

/** The run's shared state: JSON values under keys. Writers answer 0 or a Code. */
export namespace channel {
  /** The value of a key; none if there is none. */
  export function get(key: string): Value {
    const k = Bytes.of(key);
    return reply(abi.channel_get(k.at, k.len));
  }

  export function set(key: string, value: Value): i32 {
    const k = Bytes.of(key);
    const v = Bytes.of(value.toString());
    return abi.channel_set(k.at, k.len, v.at, v.len);
  }

  /** Removes a key, which need not exist. */
  export function remove(key: string): i32 {
    const k = Bytes.of(key);
    return abi.channel_delete(k.at, k.len);
  }

  /** Adds an element to a list; a missing key is an empty one. */
  export function append(key: string, value: Value): i32 {
    const k = Bytes.of(key);
    const v = Bytes.of(value.toString());
    return abi.channel_append(k.at, k.len, v.at, v.len);
  }

  /** The same in front. */
  export function prepend(key: string, value: Value): i32 {
    const k = Bytes.of(key);
    const v = Bytes.of(value.toString());
    return abi.channel_prepend(k.at, k.len, v.at, v.len);
  }

  /** Adds to a number; a missing key is 0. */
  export function add(key: string, n: f64): i32 {
    const k = Bytes.of(key);
    const v = Bytes.of(Value.of(n).toString());
    return abi.channel_add(k.at, k.len, v.at, v.len);
  }

  /** The keys with a prefix: a sorted array of strings. */
  export function keys(prefix: string = ""): Value {
    const p = Bytes.of(prefix);
    return reply(abi.channel_keys(p.at, p.len));
  }
}
