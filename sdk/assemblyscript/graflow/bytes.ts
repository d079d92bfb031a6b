// Text as it crosses the boundary to the host: UTF-8.

import { reply_read } from "./abi";
import { parse } from "./parse";
import { Value } from "./value";

/** Bytes that a call lends to the host. */
export class Bytes {
  constructor(private buffer: ArrayBuffer) {}

  static of(text: string): Bytes {
    return new Bytes(String.UTF8.encode(text));
  }

  get at(): usize {
    return changetype<usize>(this.buffer);
  }

  get len(): i32 {
    return this.buffer.byteLength;
  }
}

/** The bytes with which the last call answered; null if that was a code. */
export function replyBytes(len: i64): ArrayBuffer | null {
  if (len < 0) return null;
  const buffer = new ArrayBuffer(<i32>len);
  return reply_read(changetype<usize>(buffer), <i32>len) < 0 ? null : buffer;
}

/** The same as a value, which is none with the code in it. */
export function reply(len: i64): Value {
  const bytes = replyBytes(len);
  return bytes === null ? Value.none(<i32>len) : parse(String.UTF8.decode(bytes));
}
