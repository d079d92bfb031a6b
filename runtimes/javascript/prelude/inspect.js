// Values as node's util.inspect shows them, for what code usually prints.
import { cleanStack } from "./errors.js";

const most = 100; // elements shown
const plainKey = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u;

export function inspect(value, { depth = 2 } = {}) {
  return show(value, { depth, seen: [], indent: 0, deepest: 0, circular: new Map() }, 0);
}

export function quote(s) {
  const mark = !s.includes("'") ? "'" : !s.includes('"') ? '"' : !s.includes("`") ? "`" : "'";
  let out = mark;
  for (const c of s) {
    const code = c.codePointAt(0);
    if (c === mark || c === "\\") out += "\\" + c;
    else if (c === "\n") out += "\\n";
    else if (c === "\t") out += "\\t";
    else if (c === "\r") out += "\\r";
    else if (code < 32 || code === 127) out += "\\x" + code.toString(16).toUpperCase().padStart(2, "0");
    else out += c;
  }
  return out + mark;
}

function show(v, state, level) {
  switch (typeof v) {
    case "string": return quote(v);
    case "number": return Object.is(v, -0) ? "-0" : String(v);
    case "bigint": return `${v}n`;
    case "symbol": return v.toString();
    case "undefined": case "boolean": return String(v);
  }
  if (v === null) return "null";
  if (state.seen.includes(v)) {
    if (!state.circular.has(v)) state.circular.set(v, state.circular.size + 1);
    return `[Circular *${state.circular.get(v)}]`;
  }
  state.seen.push(v);
  state.indent += 2;
  let text = object(v, state, level);
  state.indent -= 2;
  state.seen.pop();
  if (state.circular.has(v)) text = `<ref *${state.circular.get(v)}> ${text}`;
  return text;
}

function className(v) {
  for (let o = v; o; o = Object.getPrototypeOf(o)) {
    const c = Object.getOwnPropertyDescriptor(o, "constructor");
    if (typeof c?.value === "function" && c.value.name) return c.value.name;
  }
  return nullPrototype;
}

const isView = (v) => ArrayBuffer.isView(v) && !(v instanceof DataView);

const custom = Symbol.for("nodejs.util.inspect.custom");

function object(v, state, level) {
  const name = className(v);
  if (typeof v[custom] === "function") {
    const shown = v[custom](state.depth - level, {}, inspect);
    return typeof shown === "string" ? shown : show(shown, state, level);
  }
  if (name === "URL" && typeof v.href === "string") return `URL { href: ${quote(v.href)} }`;
  if (typeof v === "function") return withProperties(functionHead(v), v, state, level);
  if (v instanceof Error) return errorText(v, state, level);
  if (v instanceof RegExp) return withProperties(String(v), v, state, level);
  if (v instanceof Date) return isNaN(v) ? "Invalid Date" : v.toISOString();
  if (v instanceof Promise) return "Promise { … }";
  for (const box of [Number, String, Boolean, BigInt, Symbol]) {
    if (v instanceof box) return `[${box.name}: ${show(v.valueOf(), state, level)}]`;
  }
  if (v instanceof ArrayBuffer) return `ArrayBuffer { byteLength: ${v.byteLength} }`;
  if (v instanceof WeakMap || v instanceof WeakSet) return `${name} { <items unknown> }`;
  return container(v, name, state, level);
}

const nullPrototype = "[Object: null prototype]";

function container(v, name, state, level) {
  const list = Array.isArray(v) || isView(v);
  const tag = v[Symbol.toStringTag];
  const head = name === "Object" && !tag ? "" : list && name === "Array" ? "" : name + (v instanceof Map || v instanceof Set ? `(${v.size})` : list ? `(${v.length})` : tag && tag !== name ? ` [${tag}]` : "") + " ";
  const empty = list ? v.length === 0 : v instanceof Map || v instanceof Set ? v.size === 0 : true;
  if (level > state.depth && !(empty && Object.keys(v).length === 0)) return Array.isArray(v) ? "[Array]" : `[${name === nullPrototype ? "Object: null prototype" : name}]`;
  if (!empty || Reflect.ownKeys(v).length > (list ? 1 : 0)) state.deepest = level;
  if (list) return braces(head, "[", "]", elements(v, state, level).concat(properties(v, state, level, true)), state, level, v);
  let parts = [];
  if (v instanceof Map) parts = limit([...v].map(([k, e]) => `${show(k, state, level + 1)} => ${show(e, state, level + 1)}`), v.size);
  if (v instanceof Set) parts = limit([...v].map((e) => show(e, state, level + 1)), v.size);
  return braces(head, "{", "}", parts.concat(properties(v, state, level)), state, level);
}

function functionHead(f) {
  const source = Function.prototype.toString.call(f);
  if (source.startsWith("class")) {
    const parent = Object.getPrototypeOf(f)?.name;
    return `[class ${f.name || "(anonymous)"}${parent ? ` extends ${parent}` : ""}]`;
  }
  const kind = Object.getPrototypeOf(f)?.[Symbol.toStringTag] ?? "Function";
  return f.name ? `[${kind}: ${f.name}]` : `[${kind} (anonymous)]`;
}

function errorText(e, state, level) {
  const head = `${e.name ?? "Error"}${e.message ? `: ${e.message}` : ""}`;
  const stack = cleanStack(e.stack);
  let text = state.indent > 2 && !stack ? `[${head}]` : stack ? `${head}\n${stack}` : head;
  const own = properties(e, state, level, false, ["stack", "message", "fileName", "lineNumber", "columnNumber"]);
  if ("cause" in e) own.push(`[cause]: ${show(e.cause, state, level + 1)}`);
  if (Array.isArray(e.errors)) own.push(`[errors]: ${show(e.errors, state, level + 1)}`);
  if (own.length > 0) text += ` ${braces("", "{", "}", own, state, level - 3)}`;
  return text.replaceAll("\n", "\n" + " ".repeat(Math.max(0, state.indent - 2)));
}

function withProperties(head, v, state, level) {
  const own = properties(v, state, level);
  return own.length ? braces(head + " ", "{", "}", own, state, level) : head;
}

function limit(list, size) {
  if (size <= most) return list;
  const more = size - most;
  return [...list.slice(0, most), `... ${more} more item${more > 1 ? "s" : ""}`];
}

function elements(v, state, level) {
  const out = [];
  const n = Math.min(v.length, most);
  let holes = 0;
  const hole = () => {
    if (holes) out.push(`<${holes} empty item${holes > 1 ? "s" : ""}>`);
    holes = 0;
  };
  for (let i = 0; i < n; i++) {
    if (!(i in v)) {
      holes++;
      continue;
    }
    hole();
    out.push(show(v[i], state, level + 1));
  }
  hole();
  if (v.length > n) out.push(`... ${v.length - n} more item${v.length - n > 1 ? "s" : ""}`);
  return out;
}

function properties(v, state, level, skipIndices = false, skip = []) {
  const out = [];
  for (const key of Reflect.ownKeys(v)) {
    const d = Object.getOwnPropertyDescriptor(v, key);
    if (!d?.enumerable || skip.includes(key)) continue;
    if (skipIndices && typeof key === "string" && /^\d+$/.test(key)) continue;
    const label = typeof key === "symbol" ? `[${key.toString()}]` : plainKey.test(key) ? key : quote(key);
    const text = "value" in d ? show(d.value, state, level + 1) : d.get && d.set ? "[Getter/Setter]" : d.get ? "[Getter]" : "[Setter]";
    out.push(`${label}: ${text}`);
  }
  return out;
}

// braces is node's reduceToSingleString: on one line if that is short and holds less than
// three levels, else on lines of their own. array is what the parts are elements of.
function braces(head, open, close, parts, state, level, array) {
  if (parts.length === 0) return `${head}${open}${close}`;
  const indentation = state.indent - 2;
  const rows = array && parts.length > 6 ? columns(parts, indentation, array) : parts;
  if (state.deepest - level < 3 && rows === parts) {
    const total = parts.reduce((n, p) => n + p.length, 0) + 2 * parts.length + indentation + head.length + open.length + 10;
    if (total <= 80 && !parts.some((p) => p.includes("\n"))) return `${head}${open} ${parts.join(", ")} ${close}`;
  }
  const line = "\n" + " ".repeat(indentation);
  return `${head}${open}${line}  ${rows.join(`,${line}  `)}${line}${close}`;
}

// columns is node's groupArrayElements.
function columns(parts, indentation, array) {
  const n = array.length > most ? parts.length - 1 : parts.length;
  const lengths = parts.slice(0, n).map((p) => p.length);
  const total = lengths.reduce((a, b) => a + b + 2, 0);
  const longest = Math.max(...lengths) + 2;
  if (longest * 3 + indentation >= 80 || !(total / longest > 5 || longest <= 8)) return parts;
  const biased = Math.max(longest - 3 - Math.sqrt(longest - total / parts.length), 1);
  const count = Math.min(Math.round(Math.sqrt(2.5 * biased * n) / biased), Math.floor((80 - indentation) / longest), 12);
  if (count <= 1) return parts;
  const widths = [];
  for (let c = 0; c < count; c++) {
    let width = 0;
    for (let i = c; i < n; i += count) width = Math.max(width, lengths[i]);
    widths.push(width + 2);
  }
  const left = array.every((v) => typeof v === "number" || typeof v === "bigint");
  const rows = [];
  for (let i = 0; i < n; i += count) {
    const end = Math.min(i + count, n);
    let row = "";
    for (let j = i; j < end - 1; j++) row += left ? `${parts[j]}, `.padStart(widths[j - i]) : `${parts[j]}, `.padEnd(widths[j - i]);
    rows.push(row + (left ? parts[end - 1].padStart(widths[end - 1 - i] - 2) : parts[end - 1]));
  }
  return n < parts.length ? [...rows, parts[n]] : rows;
}

// format is util.format: %s %d %i %f %j %o %O %c %%.
export function format(...args) {
  let start = 0;
  let out = "";
  if (typeof args[0] === "string") {
    start = 1;
    out = args[0].replace(/%[sdifjoOc%]/g, (m) => {
      if (m === "%%") return args.length > 1 ? "%" : "%%";
      if (start >= args.length) return m;
      return one(m, args[start++]);
    });
  }
  for (let i = start; i < args.length; i++) {
    const a = args[i];
    out += (i > 0 ? " " : "") + (typeof a === "string" ? a : inspect(a));
  }
  return out;
}

function one(m, a) {
  switch (m) {
    case "%s": return typeof a === "string" ? a : typeof a === "object" && a !== null ? inspect(a, { depth: 0 }) : typeof a === "bigint" ? `${a}n` : String(a);
    case "%d": return typeof a === "bigint" ? `${a}n` : typeof a === "object" ? "NaN" : String(Number(a));
    case "%i": return typeof a === "bigint" ? `${a}n` : String(parseInt(a));
    case "%f": return String(parseFloat(a));
    case "%j": return JSON.stringify(a);
    case "%o": return inspect(a, { depth: 4 });
    case "%O": return inspect(a);
  }
  return "";
}
