import { fail } from "./task";
import { Level, log } from "./tell";

// @ts-ignore: decorator
@lazy let aborting = false;

/** What `--use abort=graflow_abort` has an error call that is thrown. */
// @ts-ignore: decorator
@global
export function graflow_abort(message: string | null, file: string | null, line: u32, column: u32): void {
  if (aborting) unreachable(); // as when there is no stack left to tell it
  aborting = true;
  const what = message === null ? "aborted" : message;
  const where = file === null ? "" : " at " + file + ":" + line.toString() + ":" + column.toString();
  log(Level.Error, what + where);
  fail("panic", what + where);
  unreachable();
}
