import * as abi from "./abi";
import { Bytes, reply } from "./bytes";
import { Value } from "./value";

/** How much a line of the log matters. */
export enum Level {
  Debug = -4,
  Info = 0,
  Warn = 4,
  Error = 8,
}

/** Writes a line to the attempt's log. */
export function log(level: Level, line: string): void {
  const bytes = Bytes.of(line);
  abi.log(level, bytes.at, bytes.len);
}

/** Writes a line at level info. */
export function info(line: string): void {
  log(Level.Info, line);
}

/** Tells whoever watches that so much is done of a total; total 0 is unknown. */
export function progress(done: f64, total: f64, note: string = ""): void {
  const bytes = Bytes.of(note);
  abi.progress(done, total, bytes.at, bytes.len);
}

/** What the attempt is part of: {"run", "task", "attempt", …}. */
export function meta(): Value {
  return reply(abi.meta());
}

/** The result of another task. */
export function result(id: string): Value {
  const bytes = Bytes.of(id);
  return reply(abi.result_get(bytes.at, bytes.len));
}
