// One run: the code is compiled and evaluated, the loop turns until nothing is
// left to do, and what came of it becomes a document.
import { host } from "./host.js";
import { compile } from "./compile.js";
import { describeError, Failure } from "./errors.js";
import { finish, forget, settle } from "./loop.js";
import { introduce } from "./introduce.js";
import { flush } from "./console.js";
import { roots } from "./modules.js";
import { stripTypes } from "./typescript.js";

export function run(doc) {
  const file = doc.file || (doc.language === "typescript" ? "main.ts" : "main.js");
  const source = { file, code: doc.code, text: doc.code, erased: doc.erased };
  try {
    if (typeof doc.code !== "string") throw new TypeError("the document has no code");
    forget();
    roots(doc.path);
    introduce(doc);
    const value = evaluate(source, doc);
    const text = host.stringify(value, "result");
    flush();
    return `{"value":${text}}`;
  } catch (error) {
    return failed(error, source);
  }
}

// erase takes the types off code, and does nothing else: what it gives follows from the
// code alone.
export function erase(doc) {
  const source = { file: doc.file || "main.ts", code: doc.code, text: doc.code };
  try {
    return { value: stripTypes(doc.code, source.file) };
  } catch (error) {
    return { error: describeError(error, source) };
  }
}

function failed(error, source) {
  try {
    flush();
  } catch {
    // what can't be printed is lost; the error is what matters
  }
  if (error instanceof Failure) host.fail(error.kind, error.message, error.flags);
  return { error: describeError(error, source) };
}

// evaluate gives the value of the code, as docs/untrusted-code.md says: result,
// main(input), or the last expression. Timers that are left when a promise gave the
// value are dropped; those of code that awaits nothing are waited for.
function evaluate(source, doc) {
  const code = compile(source, doc.language === "typescript");
  const done = host.start(code);
  const awaited = host.settled(done) === undefined;
  const completion = settle(done);
  const exported = host.namespace(code)?.default;
  const last = host.isModule(code) ? host.completion() : completion?.value;
  const main = typeof exported === "function" ? exported : find("main", code);
  const value = typeof main === "function" && find("result", code) === undefined && !host.called(main)
    ? host.call(main, doc.input === undefined ? null : doc.input)
    : exported !== undefined && typeof exported !== "function" ? exported : last;
  const settled = settle(value);
  finish(awaited || host.watch(value) !== undefined);
  const result = find("result", code);
  return result === undefined ? settled : settle(result);
}

// find looks for a variable that the code left: of the module, else a global one.
function find(name, code) {
  const own = host.isModule(code) ? host.variable(name, code) : undefined;
  return own === undefined ? host.variable(name) : own;
}
