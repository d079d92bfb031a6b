// structuredClone.
import { DOMException } from "./encoding.js";

const errors = { Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError };

function refuse(v) {
  throw new DOMException(`structuredClone: ${typeof v === "object" ? `a ${v.constructor?.name}` : `a ${typeof v}`} can't be cloned`, "DataCloneError");
}

function clone(v, seen) {
  if (typeof v === "function" || typeof v === "symbol") refuse(v);
  if (typeof v !== "object" || v === null) return v;
  if (seen.has(v)) return seen.get(v);
  const keep = (copy) => (seen.set(v, copy), copy);
  if (Array.isArray(v)) return fill(keep(new Array(v.length)), v, seen);
  if (v instanceof Date) return keep(new Date(v.getTime()));
  if (v instanceof RegExp) return keep(new RegExp(v.source, v.flags));
  if (v instanceof ArrayBuffer) return keep(v.slice(0));
  if (v instanceof DataView) return keep(new DataView(clone(v.buffer, seen), v.byteOffset, v.byteLength));
  if (ArrayBuffer.isView(v)) return keep(new v.constructor(clone(v.buffer, seen), v.byteOffset, v.length));
  if (v instanceof Map) {
    const copy = keep(new Map());
    for (const [k, e] of [...v]) copy.set(clone(k, seen), clone(e, seen));
    return copy;
  }
  if (v instanceof Set) {
    const copy = keep(new Set());
    for (const e of [...v]) copy.add(clone(e, seen));
    return copy;
  }
  if (v instanceof Error) {
    const copy = keep(new (errors[v.name] ?? Error)(v.message));
    if ("cause" in v) copy.cause = clone(v.cause, seen);
    copy.stack = v.stack;
    return copy;
  }
  for (const box of [Number, String, Boolean, BigInt]) if (v instanceof box) return keep(Object(v.valueOf()));
  if (v instanceof Promise || v instanceof WeakMap || v instanceof WeakSet || v instanceof WeakRef) refuse(v);
  return fill(keep({}), v, seen);
}

function fill(copy, v, seen) {
  for (const key of Object.keys(v)) copy[key] = clone(v[key], seen);
  return copy;
}

export const structuredClone = (value) => clone(value, new Map());
