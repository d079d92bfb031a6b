// ctx: what the task is part of, and what it may ask of the engine.
import { host } from "./host.js";
import { Failure } from "./errors.js";
import { ask } from "./loop.js";
import { inspect } from "./inspect.js";
import { request } from "./http.js";
import { call, map, parallel, pipeline, sleep } from "./tools.js";

const codes = { "-1": "not found", "-2": "not granted", "-3": "invalid", "-4": "over a limit", "-5": "not offered here", "-6": "unreachable" };
const kinds = { "-1": "not_found", "-2": "denied", "-3": "invalid", "-4": "too_large", "-5": "unavailable", "-6": "unreachable" };

// HostError is a code that the host answered with.
export class HostError extends Error {
  constructor(what, code) {
    super(`${what}: ${codes[code] ?? `the host answered ${code}`}`);
    this.code = code;
    this.kind = kinds[code] ?? "error";
  }
}
Object.defineProperty(HostError.prototype, "name", { value: "HostError", configurable: true, writable: true });

export function checked(what, answer) {
  if (typeof answer === "number" && answer < 0) throw new HostError(what, answer);
  return answer;
}

const json = (value, root) => host.stringify(value, root);
const answered = (what, answer) => host.parse(checked(what, answer));
const text = (v) => (typeof v === "string" ? v : inspect(v));

const channel = {
  get(key, byDefault = null) {
    const answer = host.channelGet(String(key));
    return answer === -1 ? byDefault : answered(`channel.get(${key})`, answer);
  },
  set: (key, value) => void checked(`channel.set(${key})`, host.channelSet(String(key), json(value, "value"))),
  delete: (key) => void checked(`channel.delete(${key})`, host.channelDelete(String(key))),
  append: (key, value) => void checked(`channel.append(${key})`, host.channelAppend(String(key), json(value, "value"))),
  prepend: (key, value) => void checked(`channel.prepend(${key})`, host.channelPrepend(String(key), json(value, "value"))),
  add: (key, amount) => void checked(`channel.add(${key})`, host.channelAdd(String(key), json(amount, "amount"))),
  keys: (prefix = "") => answered("channel.keys", host.channelKeys(String(prefix))),
};

const levels = { debug: -4, info: 0, warn: 4, warning: 4, error: 8 };

export const log = (level, ...parts) => host.log(levels[level] ?? (Number(level) || 0), parts.map(text).join(" "));

// fail ends the task with a kind of the code's own.
export function fail(kind, message = "", { permanent = false, retryAfter = 0 } = {}) {
  const wait = Math.max(0, Math.round(retryAfter * 1000));
  throw new Failure(String(kind), String(message), wait * 2 + (permanent ? 1 : 0));
}

const durations = (v) => (typeof v === "number" ? `${v}s` : v instanceof Date ? v.toISOString() : v);

// pause asks a person; the answer comes when nothing else is ready.
export function pause(name, options = {}) {
  const { message, schema, timeout, until, after } = options;
  const doc = { name, message, schema, timeout: durations(timeout), until: durations(until), after: durations(after) };
  if ("default" in options) doc.default = options.default;
  return new Promise((resolve, reject) => {
    ask(() => {
      try {
        resolve(answered(`pause(${name})`, host.pause(json(doc, "pause"))));
      } catch (error) {
        reject(error);
      }
    });
  });
}

const control = {
  result: (id) => answered(`result(${id})`, host.result(String(id))),
  nextTask: (id, { handler, spec, input, goto } = {}) =>
    void checked(`nextTask(${id})`, host.nextTask(json({ id, handler, spec, input, goto }, "nextTask"))),
  nextIteration: (data) => void checked("nextIteration", host.nextIteration(data === undefined ? "" : json(data, "data"))),
  terminate: (message = "") => void checked("terminate", host.terminate(text(message))),
  cancel: (message = "") => void checked("cancel", host.cancel(text(message))),
  checkpoint(meta, { name } = {}) {
    const data = meta === undefined ? "" : json(meta, "meta");
    checked("checkpoint", name ? host.checkpointAs(String(name), data) : host.checkpoint(data));
  },
  secret: (name) => checked(`secret(${name})`, host.secret(String(name))),
  progress: (done, total = 0, note = "") => host.progress(+done, +total, text(note)),
  http: (method, url, headers, body) => request({ method, url, headers, body }),
};

// context makes ctx of the document's meta.
export function context(meta) {
  const at = (level) => (...parts) => log(level, ...parts);
  return {
    run: meta.run ?? "", task: meta.task ?? "", activation: meta.activation ?? "",
    attempt: meta.attempt ?? 1, maxAttempts: meta.max_attempts ?? 1, cycle: meta.cycle ?? 1,
    maxCycles: meta.max_cycles ?? 0, canIterate: meta.can_iterate ?? false,
    log, debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error"),
    channel, ...control, pause, fail, call, parallel, map, pipeline, sleep,
  };
}
