// Calls of the host's tools: promises that settle batch by batch.
import { ToolError } from "./errors.js";
import { host } from "./host.js";
import { addTimer, enqueueCall } from "./loop.js";

const unavailable = { "-1": "not_found", "-2": "denied", "-3": "invalid_args", "-5": "not_found" };

// call calls a tool or a task by name.
export function call(name, args) {
  const asked = { name: String(name), args: args === undefined ? null : args };
  const promise = host.pending();
  enqueueCall(asked, { name: asked.name, promise, here: host.here(), done });
  return promise;
}

// done settles the promise of a call by what the host answered.
function done(call, answer) {
  if (typeof answer === "number") {
    const why = answer === -5 ? `no tool ${call.name}: none are offered here` : `the host refused the call of ${call.name} (${answer})`;
    fail(call, unavailable[answer] ?? "error", why);
  } else if (answer.error) {
    fail(call, answer.error.kind, answer.error.message);
  } else {
    host.settle(call.promise, answer.value ?? null, false);
  }
}

// fail rejects a call's promise with an error that says where the call was made.
function fail(call, kind, message) {
  const error = new ToolError(kind, message);
  Object.defineProperty(error, "stack", { value: host.stack(call.here), writable: true, configurable: true });
  host.settle(call.promise, error, true);
}

export const parallel = (calls) =>
  Promise.all(calls.map((c) => (Array.isArray(c) ? call(c[0], c[1]) : typeof c === "function" ? c() : c)));

export const map = (name, list) => Promise.all(Array.from(list, (args) => invoke(name, args)));

export async function pipeline(steps, value) {
  for (const step of steps) value = await invoke(step, value);
  return value;
}

function invoke(step, args) {
  return typeof step === "function" ? step(args) : call(step, args);
}

// sleep asks the host, which may put the task aside; without such a tool it is a plain wait.
export async function sleep(seconds) {
  try {
    await call("graflow.sleep", { seconds: Number(seconds) });
  } catch (error) {
    if (!(error instanceof ToolError) || error.kind !== "not_found") throw error;
    await new Promise((resolve) => addTimer(resolve, seconds * 1000));
  }
}

// toolFunctions makes the functions that code finds, one for each tool.
export function toolFunctions(list) {
  const tools = Object.create(null);
  for (const { name } of list ?? []) {
    const fn = (args) => call(name, args);
    Object.defineProperty(fn, "name", { value: name });
    tools[name] = fn;
  }
  return tools;
}
