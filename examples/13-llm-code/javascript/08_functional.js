"use strict";

const compose = (...fns) => (x) => fns.reduceRight((acc, fn) => fn(acc), x);
const curry = (fn) => function curried(...args) {
  return args.length >= fn.length ? fn(...args) : (...more) => curried(...args, ...more);
};

function memoize(fn) {
  const cache = new Map();
  return (...args) => {
    const key = JSON.stringify(args);
    if (!cache.has(key)) cache.set(key, fn(...args));
    return cache.get(key);
  };
}

function deepMerge(target, source) {
  const out = structuredClone(target);
  for (const [key, value] of Object.entries(source)) {
    const both = [out[key], value].every((v) => v && typeof v === "object" && !Array.isArray(v));
    out[key] = both ? deepMerge(out[key], value) : structuredClone(value);
  }
  return out;
}

function deepEqual(a, b) {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || !a || !b) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((k) => k in b && deepEqual(a[k], b[k]));
}

function* naturals(start = 1) {
  let n = start;
  while (true) {
    const reset = yield n++;
    if (reset) n = start;
  }
}

const take = (n, iterable) => {
  const out = [];
  for (const x of iterable) {
    if (out.length >= n) break;
    out.push(x);
  }
  return out;
};

const counter = (() => {
  let count = 0;
  return { increment: () => ++count, get value() { return count; } };
})();

const slowSquare = memoize((n) => {
  counter.increment();
  return n * n;
});
[3, 3, 4, 3].forEach(slowSquare);

const defaults = { server: { port: 80, tls: { enabled: false } }, tags: ["a"], at: new Date(0) };
const merged = deepMerge(defaults, { server: { tls: { enabled: true } }, tags: ["b"] });

const cyclic = { name: "loop" };
cyclic.self = cyclic;
const cloned = structuredClone(cyclic);

const words = "the quick brown fox jumps over the lazy dog the end".split(" ");
const frequency = words.reduce((m, w) => m.set(w, (m.get(w) ?? 0) + 1), new Map());
const tagged = (strings, ...values) => strings.raw.map((s, i) => s + (values[i] !== undefined ? `<${values[i]}>` : "")).join("");

const matrix = [[1, 2, 3], [4, 5, 6]];
const [first, , third = "none", ...others] = ["a", "b", undefined, "d", "e"];

console.log(compose((x) => x + 1, (x) => x * 2)(5), curry((a, b, c) => a + b + c)(1)(2, 3));
console.log(merged);
console.log(new Set("mississippi"), { deep: { er: { est: { of: "all" } } } });
console.table([{ a: 1, b: "x" }, { a: 2, b: "y" }]);

const answer = {
  merged,
  untouched: deepEqual(defaults.server, { port: 80, tls: { enabled: false } }),
  cyclic: cloned !== cyclic && cloned.self === cloned,
  calls: counter.value,
  squares: take(4, naturals()).map(slowSquare),
  transposed: matrix[0].map((_, i) => matrix.map((row) => row[i])),
  flattened: [1, [2, [3, [4]]]].flat(Infinity),
  frequency: new Map([...frequency].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1)).slice(0, 3)),
  unique: new Set(words),
  destructured: { first, third, others },
  tagged: tagged`a${1}\n${"b"}`,
  grouped: Object.groupBy([1, 2, 3, 4, 5], (n) => (n % 2 ? "odd" : "even")),
  sorted: [10, 9, 1].toSorted(),
  holes: [1, undefined, null],
  dropped: { kept: null, missing: undefined },
  frozen: (() => { try { Object.freeze(defaults).x = 1; return "written"; } catch (e) { return e.name; } })(),
  symbols: Object.keys({ [Symbol("hidden")]: 1, shown: 2 }),
  labels: ["b", "a", "C"].map((s) => s.toUpperCase()).sort().join(),
};
answer;
