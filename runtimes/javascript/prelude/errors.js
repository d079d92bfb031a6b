// Errors of the code, told by kind, place and traceback in its own lines.
import { host } from "./host.js";
import { inspect } from "./inspect.js";

// Unsettled is thrown when the code awaits what nothing will settle.
export class Unsettled extends Error {
  constructor() {
    super("the code awaits a promise that nothing settles");
  }
}
Object.defineProperty(Unsettled.prototype, "name", { value: "Error", configurable: true, writable: true });

// Failure is what ctx.fail throws.
export class Failure extends Error {
  constructor(kind, message, flags) {
    super(message);
    this.kind = kind;
    this.flags = flags;
  }
}

// Exit is what process.exit throws.
export class Exit extends Error {
  constructor(code) {
    super(`the code exited with ${code}`);
    this.exitCode = code;
  }
}

// ToolError is the failure of a tool: not_found, denied, invalid_args, or a kind of its own.
export class ToolError extends Error {
  constructor(kind, message) {
    super(message);
    this.kind = kind;
  }
}

for (const c of [Failure, Exit, ToolError]) {
  Object.defineProperty(c.prototype, "name", { value: c.name, configurable: true, writable: true });
}

const frame = /^\s*at (?:(.*) \()?(.*?)(?::(\d+)(?::(\d+))?)?\)?$/;

// frames parses an engine's stack; the prelude's own frames are left out.
export function frames(stack) {
  const list = [];
  for (const line of String(stack ?? "").split("\n")) {
    if (!line.trim() || line.includes("graflow:prelude")) continue;
    const [, fn, file, at, column] = frame.exec(line) ?? [];
    if (!file || file === "native" || file === "<input>") {
      continue;
    }
    list.push({ fn: fn === "<eval>" || fn === "<anonymous>" ? "" : fn, file, line: +at || 0, column: +column || 0 });
  }
  return list;
}

// cleanStack is a stack without frames of the prelude.
export function cleanStack(stack) {
  return frames(stack).map((f) => `    at ${place(f)}`).join("\n");
}

function place(f) {
  const at = `${f.file}:${f.line}:${f.column}`;
  return f.fn ? `${f.fn} (${at})` : at;
}

function nameOf(error) {
  const own = error?.name;
  if (typeof own === "string" && own) return own;
  return error?.constructor?.name || "Error";
}

function kindOf(error) {
  if (host.isOutOfMemory(error)) return "memory";
  if (error instanceof Exit) return "exit";
  if (error?.kind === "invalid_result" && error instanceof TypeError) return "invalid_result";
  return error instanceof Failure ? error.kind : "exception";
}

// describeError makes the error document. It must not throw, whatever was thrown.
export function describeError(error, source) {
  try {
    return describe(error, source);
  } catch {
    return { kind: "exception", type: "Error", message: "an error that can't be told", file: source.file };
  }
}

function describe(error, source) {
  const isError = error instanceof Error;
  const list = isError ? frames(error.stack) : frames(host.thrownAt(error));
  const own = list.find((f) => f.file === source.file);
  const at = own ?? list[0];
  const type = isError ? nameOf(error) : thrownType(error);
  const message = isError ? String(error.message) : `thrown: ${inspect(error)}`;
  const kind = source.compiled ? kindOf(error) : error instanceof SyntaxError || error?.syntax ? "syntax" : kindOf(error);
  const told = { kind, type, message, file: at?.file ?? source.file };
  if (at?.line) Object.assign(told, { line: at.line, column: at.column });
  told.traceback = traceback(error, type, message, list, own, source);
  return told;
}

function thrownType(v) {
  return v === null ? "null" : typeof v === "object" ? (v.constructor?.name ?? "Object") : typeof v;
}

// traceback is as node prints it: the source line, a caret, the error, its frames, its causes.
function traceback(error, type, message, list, own, source) {
  const parts = [];
  const text = own && source.text.split("\n")[own.line - 1];
  if (text !== undefined && text.length < 500) {
    parts.push(`${own.file}:${own.line}`, text);
    if (own.column) parts.push(" ".repeat(own.column - 1) + "^");
    parts.push("");
  }
  parts.push(message ? `${type}: ${message}` : type);
  for (const f of list) parts.push(`    at ${place(f)}`);
  for (let c = error?.cause, n = 0; c instanceof Error && n < 8; c = c.cause, n++) {
    parts.push(`  [cause]: ${nameOf(c)}: ${c.message}`);
    for (const f of frames(c.stack)) parts.push(`      at ${place(f)}`);
  }
  return parts.join("\n");
}
