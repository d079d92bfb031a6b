// Modules: our own, files beside each other, and packages under the roots of a run.
import { host } from "./host.js";
import { call, map, parallel, pipeline, sleep } from "./tools.js";
import { fail, log, pause } from "./context.js";
import { ToolError } from "./errors.js";
import { whyAbsent } from "./absent.js";
import { stripTypes } from "./typescript.js";
import { path } from "./path.js";

const builtin = Object.create(null); // name to object of exports
let searched = [];

export function roots(list) {
  searched = (list ?? []).map((p) => p.replace(/\/+$/, ""));
}

// define makes a module of an object; without a default of its own it is the default.
export function define(name, exports) {
  builtin[name] = { default: exports, ...exports };
}

// offer renews what depends on the run.
export function offer(ctx, tools, input) {
  define("graflow", { ctx, tools, input, call, parallel, map, pipeline, sleep, pause, fail, log, ToolError });
}

const known = (name) => (name in builtin ? name : name.startsWith("node:") && name.slice(5) in builtin ? name.slice(5) : undefined);
const isFile = (name) => host.stat(name)?.[0] === false;
const suffixes = ["", ".js", ".mjs", ".cjs", ".ts", ".mts", ".json", "/index.js", "/index.mjs", "/index.ts"];

function asFile(name) {
  for (const suffix of suffixes) if (isFile(name + suffix)) return name + suffix;
  return undefined;
}

// asPackage finds a package's entry by its package.json.
function asPackage(root, name) {
  const [, pack, rest] = /^((?:@[^/]+\/)?[^/]+)(?:\/(.*))?$/.exec(name) ?? [];
  const dir = `${root}/${pack}`;
  if (!pack || !isFile(`${dir}/package.json`)) return undefined;
  const about = JSON.parse(host.decode(host.readFile(`${dir}/package.json`)));
  const entry = exported(about.exports, rest ? `./${rest}` : ".") ?? (rest ? rest : (about.module ?? about.main ?? "index.js"));
  return asFile(path.join(dir, entry));
}

function exported(exports, key) {
  if (exports === undefined || exports === null) return undefined;
  const entry = typeof exports === "object" && !Array.isArray(exports) && "." in exports === false && key === "." ? exports : typeof exports === "string" && key === "." ? exports : exports[key];
  const pick = (e) => (typeof e === "string" ? e : e && (pick(e.import) ?? pick(e.module) ?? pick(e.default) ?? pick(e.require) ?? pick(e.node)));
  return entry ? pick(entry) : undefined;
}

// find is the file that a name means for a module, or undefined.
function find(base, name) {
  if (/^\.\.?(\/|$)/.test(name)) {
    const near = asFile(path.join(path.dirname(base), name));
    if (near || base.startsWith("/")) return near;
    return searched.map((root) => asFile(path.join(root, name))).find(Boolean);
  }
  if (name.startsWith("/")) return asFile(name);
  for (const root of searched) {
    const found = asFile(`${root}/${name}`) ?? asPackage(root, name) ?? asFile(`${root}/node_modules/${name}`) ?? asPackage(`${root}/node_modules`, name);
    if (found) return found;
  }
  return undefined;
}

function resolve(base, name) {
  const found = known(name) ?? find(base, name);
  if (found === undefined) throw new Error(whyAbsent(name));
  return found;
}

const sources = new Map(); // file to text, for tracebacks

export const sourceOf = (file) => sources.get(file);

function read(file) {
  const text = host.decode(host.readFile(file));
  sources.set(file, text);
  return /\.m?ts$/.test(file) ? stripTypes(text, file) : text;
}

const isCommon = (file, code) => file.endsWith(".cjs") || (!/\.m[jt]s$/.test(file) && /\b(?:module\.exports|exports\.\w|require\s*\()/.test(code) && !/^[ \t]*(?:import\b(?!\s*\()|export\b)/m.test(code));

// load gives the text of a module, or an object of its exports.
function load(file) {
  if (file in builtin) return builtin[file];
  const code = read(file);
  if (file.endsWith(".json")) return { default: host.parse(code) };
  if (!isCommon(file, code)) return code;
  const exports = requireFile(file);
  return { ...(typeof exports === "object" ? exports : {}), default: exports };
}

const required = new Map();

// requireFile runs a CommonJS module.
function requireFile(file) {
  if (required.has(file)) return required.get(file).exports;
  const module = { exports: {}, id: file, filename: file };
  required.set(file, module);
  const code = read(file);
  if (file.endsWith(".json")) return (module.exports = host.parse(code));
  const fn = host.start(host.script(`(function (exports, require, module, __filename, __dirname) {${code}\n})`, file));
  fn.call(module.exports, module.exports, requireFrom(file), module, file, path.dirname(file));
  return module.exports;
}

// requireFrom makes the function require of a module.
export function requireFrom(base) {
  return (name) => {
    const found = resolve(base, name);
    if (found in builtin) return builtin[found].default;
    return requireFile(found);
  };
}

host.moduleHooks({ objects: new Proxy(builtin, { get: (_, name) => builtin[name] ?? load(name) }), normalize: resolve, load });
