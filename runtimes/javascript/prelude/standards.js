// What is newer than the engine, in plain JavaScript; where the engine has it, its own stays.
import { host } from "./host.js";
import { formatNumber } from "./locale.js";

function add(target, methods) {
  for (const [name, value] of Object.entries(methods)) {
    if (!(name in target)) Object.defineProperty(target, name, { value, writable: true, configurable: true, enumerable: false });
  }
}

const iteratorPrototype = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]()));

function Iterator() {}
Object.defineProperty(Iterator, "prototype", { value: iteratorPrototype });
add(globalThis, { Iterator });
add(globalThis.Iterator, {
  from(source) {
    if (typeof source[Symbol.iterator] === "function") return (function* () { yield* source; })();
    return (function* () { for (let r; !(r = source.next()).done; ) yield r.value; })();
  },
});

// The helpers are generators, so that they close what they read when they are closed.
add(iteratorPrototype, {
  *map(fn) { let i = 0; for (const v of { [Symbol.iterator]: () => this }) yield fn(v, i++); },
  *filter(fn) { let i = 0; for (const v of { [Symbol.iterator]: () => this }) if (fn(v, i++)) yield v; },
  *take(n) { if (n > 0) for (const v of { [Symbol.iterator]: () => this }) { yield v; if (--n <= 0) return; } },
  *drop(n) { for (const v of { [Symbol.iterator]: () => this }) if (n-- <= 0) yield v; },
  *flatMap(fn) { let i = 0; for (const v of { [Symbol.iterator]: () => this }) yield* fn(v, i++); },
  reduce(fn, ...start) {
    let [sum, i] = [start[0], 0];
    let first = start.length === 0;
    for (const v of { [Symbol.iterator]: () => this }) [sum, first] = first ? [v, false, i++] : [fn(sum, v, i++), false];
    if (first) throw new TypeError("reduce of nothing needs a first value");
    return sum;
  },
  toArray() { return [...{ [Symbol.iterator]: () => this }]; },
  forEach(fn) { let i = 0; for (const v of { [Symbol.iterator]: () => this }) fn(v, i++); },
  some(fn) { let i = 0; for (const v of { [Symbol.iterator]: () => this }) if (fn(v, i++)) return true; return false; },
  every(fn) { let i = 0; for (const v of { [Symbol.iterator]: () => this }) if (!fn(v, i++)) return false; return true; },
  find(fn) { let i = 0; for (const v of { [Symbol.iterator]: () => this }) if (fn(v, i++)) return v; return undefined; },
});

const keysOf = (other) => (typeof other[Symbol.iterator] === "function" && !(other instanceof Map) ? other : { [Symbol.iterator]: () => other.keys() });
add(Set.prototype, {
  union(other) { const s = new Set(this); for (const v of keysOf(other)) s.add(v); return s; },
  intersection(other) { const s = new Set(); for (const v of this) if (other.has(v)) s.add(v); return s; },
  difference(other) { const s = new Set(); for (const v of this) if (!other.has(v)) s.add(v); return s; },
  symmetricDifference(other) { const s = new Set(this); for (const v of keysOf(other)) if (this.has(v)) s.delete(v); else s.add(v); return s; },
  isSubsetOf(other) { for (const v of this) if (!other.has(v)) return false; return true; },
  isSupersetOf(other) { for (const v of keysOf(other)) if (!this.has(v)) return false; return true; },
  isDisjointFrom(other) { for (const v of this) if (other.has(v)) return false; return true; },
});

add(Promise, { try: (fn, ...args) => new Promise((resolve) => resolve(fn(...args))) });
add(Array, {
  async fromAsync(source, fn) {
    const out = [];
    let i = 0;
    const list = source[Symbol.asyncIterator] || source[Symbol.iterator] ? source : Array.from(source);
    for await (const v of list) out.push(fn ? await fn(v, i++) : v);
    return out;
  },
});
add(RegExp, { escape: (text) => text.replace(/^[0-9a-zA-Z]/, (c) => `\\x${c.charCodeAt(0).toString(16)}`).replace(/[\^$\\.*+?()[\]{}|/]/g, "\\$&").replace(/[,\-=<>#&!%:;@~'`"\s]/g, (c) => (c.charCodeAt(0) < 256 ? `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}` : `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`)) });
add(Error, {
  isError: (v) => v instanceof Error,
  captureStackTrace(target) {
    Object.defineProperty(target, "stack", { value: new Error().stack.split("\n").slice(1).join("\n"), writable: true, configurable: true });
  },
});
add(Uint8Array, {
  fromBase64(text, { alphabet } = {}) {
    const bytes = alphabet === "base64url" || !/[-_]/.test(text) ? host.unbase64(text.replace(/\s/g, "")) : undefined;
    if (!bytes) throw new SyntaxError("the text is not base64");
    return bytes;
  },
  fromHex(text) {
    if (!/^(?:[0-9a-f]{2})*$/i.test(text)) throw new SyntaxError("the text is not hexadecimal");
    return Uint8Array.from(text.match(/../g) ?? [], (h) => parseInt(h, 16));
  },
});
add(Uint8Array.prototype, {
  toBase64({ alphabet, omitPadding } = {}) {
    let text = host.base64(this);
    if (alphabet === "base64url") text = text.replaceAll("+", "-").replaceAll("/", "_");
    return omitPadding ? text.replace(/=+$/, "") : text;
  },
  toHex() { return Array.from(this, (b) => b.toString(16).padStart(2, "0")).join(""); },
});

const locale = (target, toLocaleString) => Object.defineProperty(target, "toLocaleString", { value: toLocaleString, writable: true, configurable: true });
locale(Number.prototype, function toLocaleString(_, options) { return formatNumber(Number(this), options); });
locale(BigInt.prototype, function toLocaleString() { return formatNumber(BigInt(this)); });
