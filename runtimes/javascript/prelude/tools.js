// Calls of the host's tools: promises that settle batch by batch.
import { ToolError } from "./errors.js";
import { addTimer, enqueueCall } from "./loop.js";

const unavailable = { "-1": "not_found", "-2": "denied", "-3": "invalid_args", "-5": "not_found" };

// call calls a tool or a task by name.
export function call(name, args) {
  const here = new ToolError(); // its stack is where the call was made
  return new Promise((resolve, reject) => {
    enqueueCall({ name: String(name), args: args === undefined ? null : args, resolve, reject, here, done });
  });
}

// done settles a call, this, by what the host answered.
function done(answer) {
  if (typeof answer === "number") {
    const why = answer === -5 ? `no tool ${this.name}: none are offered here` : `the host refused the call of ${this.name} (${answer})`;
    this.reject(this.here.of(unavailable[answer] ?? "error", why));
  } else if (answer.error) {
    this.reject(this.here.of(answer.error.kind, answer.error.message));
  } else {
    this.resolve(answer.value ?? null);
  }
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
