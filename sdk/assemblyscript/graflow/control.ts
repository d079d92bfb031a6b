// What runs next. Functions answer 0 or a Code.

import * as abi from "./abi";
import { Bytes, reply } from "./bytes";
import { Value } from "./value";

/** A task to run next, by its document: {"id", "handler", "spec", "input", "goto"}. */
export function spawn(next: Value): i32 {
  const bytes = Bytes.of(next.toString());
  return abi.next_task(bytes.at, bytes.len);
}

/** The existing or just spawned task of an id, besides the ordinary successors. */
export function nextTask(id: string): i32 {
  return spawn(Value.object().set("id", Value.of(id)));
}

/** The existing task of an id, in place of the ordinary successors. */
export function goto(id: string): i32 {
  return spawn(Value.object().set("id", Value.of(id)).set("goto", Value.of(true)));
}

/** This task once more, with this input; none leaves it to the engine. */
export function nextIteration(input: Value = Value.none()): i32 {
  const bytes = Bytes.of(input.exists ? input.toString() : "");
  return abi.next_iteration(bytes.at, bytes.len);
}

/** Ends the run with success once this task has. */
export function terminate(message: string): i32 {
  const bytes = Bytes.of(message);
  return abi.terminate(bytes.at, bytes.len);
}

/** Ends the run as canceled. */
export function cancel(message: string): i32 {
  const bytes = Bytes.of(message);
  return abi.cancel(bytes.at, bytes.len);
}

/** Asks for a checkpoint after this task, by a name or "", with metadata or none. */
export function checkpoint(name: string = "", meta: Value = Value.none()): i32 {
  const m = Bytes.of(meta.exists ? meta.toString() : "");
  if (name.length == 0) return abi.checkpoint(m.at, m.len);
  const n = Bytes.of(name);
  return abi.checkpoint_as(n.at, n.len, m.at, m.len);
}

/**
 * Asks a person, by a document: {"name", "message", "schema", "timeout", …}. As
 * long as there is no answer the host ends the attempt here. Then the task runs
 * again from its start: what comes before must bear repeating.
 */
export function pause(question: Value): Value {
  const bytes = Bytes.of(question.toString());
  return reply(abi.pause(bytes.at, bytes.len));
}

/** The same with only a name and a message. */
export function ask(name: string, message: string = ""): Value {
  return pause(Value.object().set("name", Value.of(name)).set("message", Value.of(message)));
}
