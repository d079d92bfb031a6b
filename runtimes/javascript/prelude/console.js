// console: log, info, debug to stdout; warn, error, trace to stderr.
import { host } from "./host.js";
import { cleanStack } from "./errors.js";
import { format, inspect } from "./inspect.js";

let indent = "";
let waiting = ["", "", ""]; // by descriptor: text without its line's end so far
const timers = new Map();
const counts = new Map();

// write puts text out, whole lines at once.
export function write(fd, text) {
  text = waiting[fd] + text;
  const end = text.lastIndexOf("\n") + 1;
  if (end > 0) host.write(fd, text.slice(0, end));
  waiting[fd] = text.slice(end);
}

// flush writes what has no end of line yet.
export function flush() {
  for (const fd of [1, 2]) {
    if (waiting[fd]) host.write(fd, waiting[fd]);
    waiting[fd] = "";
  }
  indent = "";
}

function line(fd, text) {
  if (indent) text = indent + text.replaceAll("\n", "\n" + indent);
  write(fd, text + "\n");
}

const out = (...args) => line(1, format(...args));
const err = (...args) => line(2, format(...args));

function elapsed(label, ...more) {
  const start = timers.get(label);
  if (start === undefined) return err(`No such label '${label}'`);
  const ms = host.now() - start;
  out(`${label}: ${ms < 1000 ? `${ms.toFixed(3)}ms` : `${(ms / 1000).toFixed(3)}s`}`, ...more);
}

function table(data, names) {
  if (typeof data !== "object" || data === null) return out(data);
  const rows = data instanceof Map || data instanceof Set ? [...data.entries()] : Object.entries(data);
  const isRow = (r) => typeof r === "object" && r !== null;
  const columns = names ?? [...new Set(rows.flatMap(([, r]) => (isRow(r) ? Object.keys(r) : [])))];
  const values = rows.some(([, r]) => !isRow(r));
  const head = ["(index)", ...columns, ...(values ? ["Values"] : [])];
  const body = rows.map(([k, r]) => [
    String(k), ...columns.map((c) => (isRow(r) && c in r ? inspect(r[c], { depth: 0 }) : "")), ...(values ? [isRow(r) ? "" : inspect(r)] : []),
  ]);
  const widths = head.map((h, i) => Math.max(h.length, ...body.map((r) => r[i].length)) + 2);
  const rule = (a, b, c) => a + widths.map((w) => "─".repeat(w)).join(b) + c;
  const row = (cells) => "│" + cells.map((c, i) => ` ${c}`.padEnd(widths[i])).join("│") + "│";
  out([rule("┌", "┬", "┐"), row(head), rule("├", "┼", "┤"), ...body.map(row), rule("└", "┴", "┘")].join("\n"));
}

function count(label = "default") {
  counts.set(label, (counts.get(label) ?? 0) + 1);
  out(`${label}: ${counts.get(label)}`);
}

function group(...args) {
  if (args.length) out(...args);
  indent += "  ";
}

export const console = {
  log: out, info: out, debug: out, warn: err, error: err, table, group, groupCollapsed: group, count,
  dir: (value, options) => out(inspect(value, options)),
  dirxml: out,
  trace: (...args) => line(2, `Trace${args.length ? `: ${format(...args)}` : ""}\n${cleanStack(new Error().stack)}`),
  assert: (ok, ...args) => ok || err(...(args.length ? (typeof args[0] === "string" ? [`Assertion failed: ${args[0]}`, ...args.slice(1)] : ["Assertion failed:", ...args]) : ["Assertion failed"])),
  groupEnd: () => void (indent = indent.slice(2)),
  countReset: (label = "default") => void counts.delete(label),
  time: (label = "default") => void timers.set(label, host.now()),
  timeLog: (label = "default", ...more) => elapsed(label, ...more),
  timeEnd(label = "default") {
    elapsed(label);
    timers.delete(label);
  },
  clear() {},
};
