// Warm-up: what a first run would do, so that the snapshot has it done.
import { run } from "./run.js";

// Declarations are kept from the global scope, where they would stay for the user's code.
const javascript = `await (async () => {
const list = [1, 2.5, "x", null, true, { a: [1], b: new Map([["k", 1]]), c: new Set([1]) }];
const text = JSON.stringify(list);
const back = JSON.parse(text).map((x) => x).filter(Boolean);
class Point { constructor(x) { this.x = x; } get double() { return this.x * 2; } }
function f(x = 1, ...more) { try { throw new Error("warm"); } catch (e) { return [String(e), e.stack, x, more]; } }
const { a, ...rest } = { a: 1, b: 2 };
for (const [k, v] of Object.entries(rest)) f(k, v);
await Promise.all([Promise.resolve(1), (async () => 2)()]);
"a-b-c".split("-").join("+").replace(/[a-z]/g, (c) => c.toUpperCase()).padEnd(9);
[3, 1, 2].sort((p, q) => p - q).reduce((s, x) => s + x, 0);
new Date(0).toISOString(); Math.max(1, 2); parseInt("12"); \`\${a}\`;
return { value: new Point(3).double, back, time: new Date(0), bytes: new Uint8Array(2) };
})()`;

const typescript = `
interface A { x: number }
enum E { One, Two = 5 }
type T<K extends string> = { [P in K]?: A };
abstract class B<U> { constructor(public u: U, private readonly n = 1) {} abstract go(): U; get(): number { return this.n; } }
class C extends B<number> { go() { return this.u as number; } }
const f = <V,>(v: V): V => v;
const a = { x: 1 } satisfies A;
const t = ["x"] as const;
export type Z = A | null;
export const z = 1;
async function main(i?: A): Promise<number> { return f<number>(i!.x ?? a.x) + E.Two + new C(2).go(); }
t`;

export function warm() {
  walk(globalThis);
  run({ code: javascript, input: { a: 1 }, tools: [{ name: "warm_tool" }], meta: {} });
  run({ code: typescript, language: "typescript", input: { x: 1 } });
  run({ code: "null.x" });
  run({ code: "let x = ;" });
  for (const name of ["warm_tool", "input", "tools", "ctx", "__name__", "result"]) delete globalThis[name];
}

// walk looks at each property once: the engine makes its built-in functions when they are first seen.
function walk(root) {
  const seen = new Set();
  const todo = [root];
  while (todo.length) {
    const o = todo.pop();
    if ((typeof o !== "object" && typeof o !== "function") || o === null || seen.has(o)) continue;
    seen.add(o);
    todo.push(Object.getPrototypeOf(o));
    for (const key of Reflect.ownKeys(o)) {
      const d = Object.getOwnPropertyDescriptor(o, key);
      todo.push(d.value, d.get, d.set);
    }
  }
}
