// "path": node's path, of POSIX.
export const here = "/tmp"; // what relative paths mean

function normalize(path) {
  const out = [];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part === ".." && out.length && out.at(-1) !== "..") out.pop();
    else if (part !== ".." || !path.startsWith("/")) out.push(part);
  }
  const text = (path.startsWith("/") ? "/" : "") + out.join("/");
  return (text || ".") + (path.endsWith("/") && text && text !== "/" ? "/" : "");
}

const join = (...parts) => normalize(parts.filter(Boolean).join("/") || ".");

function resolve(...parts) {
  let path = "";
  for (const part of parts.reverse()) {
    if (part) path = path ? `${part}/${path}` : part;
    if (path.startsWith("/")) break;
  }
  return normalize(path.startsWith("/") ? path : `${here}/${path}`).replace(/(.)\/$/, "$1");
}

function dirname(path) {
  const at = path.replace(/\/+$/, "").lastIndexOf("/");
  return at < 0 ? "." : at === 0 ? "/" : path.slice(0, at);
}

function basename(path, suffix = "") {
  const name = path.replace(/\/+$/, "").split("/").at(-1);
  return suffix && name !== suffix && name.endsWith(suffix) ? name.slice(0, -suffix.length) : name;
}

function extname(path) {
  const name = basename(path);
  const at = name.lastIndexOf(".");
  return at <= 0 ? "" : name.slice(at);
}

function relative(from, to) {
  const a = resolve(from).split("/").filter(Boolean);
  const b = resolve(to).split("/").filter(Boolean);
  let same = 0;
  while (same < a.length && same < b.length && a[same] === b[same]) same++;
  return [...Array(a.length - same).fill(".."), ...b.slice(same)].join("/");
}

function parse(path) {
  const base = basename(path);
  const ext = extname(path);
  const dir = dirname(path);
  return { root: path.startsWith("/") ? "/" : "", dir: dir === "." && !path.startsWith(".") ? "" : dir, base, ext, name: ext ? base.slice(0, -ext.length) : base };
}

const format = ({ dir, root = "", base, name = "", ext = "" }) => (dir ? `${dir}/` : root) + (base ?? name + ext);
const isAbsolute = (path) => path.startsWith("/");

export const path = { normalize, join, resolve, dirname, basename, extname, relative, parse, format, isAbsolute, sep: "/", delimiter: ":" };
path.posix = path;
