import * as abi from "./abi";
import { Bytes } from "./bytes";
import { Code, codeText } from "./code";
import { parse } from "./parse";
import { Value } from "./value";

/** The text of the task's input, JSON; null if there is none. */
export function inputText(): string {
  const len = abi.input_len();
  if (len <= 0) return "null";
  const buffer = new ArrayBuffer(len);
  abi.input_read(changetype<usize>(buffer), len);
  return String.UTF8.decode(buffer);
}

/** The task's input. */
export function input(): Value {
  return parse(inputText());
}

/** Gives the task's result, and answers what the task returns then. */
export function done(value: Value): i32 {
  return doneText(value.toString());
}

/** The same with the text of JSON. */
export function doneText(json: string): i32 {
  const bytes = Bytes.of(json);
  const code = abi.output_write(bytes.at, bytes.len);
  return code < 0 ? failCode("write the output", code) : 0;
}

/**
 * Fails the task, and answers what it returns then. The kind is for retry.on and
 * except of flows; "" is error. A permanent failure is not retried; otherwise the
 * next attempt starts no sooner than in retryAfter milliseconds.
 */
export function fail(kind: string, message: string, permanent: bool = false, retryAfter: i64 = 0): i32 {
  const k = Bytes.of(kind.length > 0 ? kind : "error");
  const m = Bytes.of(message);
  abi.fail(k.at, k.len, m.at, m.len, (max(0, retryAfter) << 1) | (permanent ? 1 : 0));
  return 1;
}

/** Fails because the host answered with a code. */
export function failCode(doing: string, code: i32): i32 {
  const message = doing + ": " + codeText(code);
  return code == Code.Denied ? fail("denied", message, true) : fail("", message);
}

const tasks = Value.array();

/** Says what a task is for, with JSON Schemas of its input and output, or "". */
export function describe(name: string, doc: string, input: string = "", output: string = ""): void {
  const task = Value.object().set("name", Value.of(name)).set("doc", Value.of(doc));
  if (input.length > 0) task.set("input", parse(input));
  if (output.length > 0) task.set("output", parse(output));
  tasks.push(task);
}

/** To be exported by every module: `export { graflow_describe } from "graflow"`. */
export function graflow_describe(): i32 {
  return done(Value.object().set("tasks", tasks));
}
