// "graflow:fs", also found as "fs" and "fs/promises": what the mounts of a run offer.
import { Buffer } from "./buffer.js";
import { host } from "./host.js";
import { path as paths } from "./path.js";

const bytesOf = (data) => (typeof data === "string" ? host.encode(data) : ArrayBuffer.isView(data) || data instanceof ArrayBuffer ? data : host.encode(String(data)));
const encodingOf = (options) => (typeof options === "string" ? options : options?.encoding);

// pathOf is absolute: relative to /tmp, where code may write.
function pathOf(path) {
  const text = typeof path === "object" && path?.protocol === "file:" ? decodeURIComponent(path.pathname) : String(path);
  return text.startsWith("/") || text === "" ? text : paths.resolve(text);
}

// readFile gives bytes, or text if an encoding is named.
function readFile(path, options) {
  const bytes = host.readFile(pathOf(path));
  const encoding = encodingOf(options);
  const buffer = new Buffer(bytes.buffer);
  return encoding ? buffer.toString(encoding) : buffer;
}

const writeFile = (path, data, options) => host.writeFile(pathOf(path), bytesOf(data), options?.flag === "a");
const appendFile = (path, data) => host.writeFile(pathOf(path), bytesOf(data), true);
const exists = (path) => statOf(path) !== undefined;

// statOf is undefined for what is not there.
function statOf(path) {
  try {
    return host.stat(pathOf(path));
  } catch {
    return undefined;
  }
}

function stat(path) {
  const found = host.stat(pathOf(path));
  if (!found) throw Object.assign(new Error(`ENOENT: no such file or directory, stat '${path}'`), { code: "ENOENT", syscall: "stat", path: String(path) });
  const [directory, size, mtimeMs] = found;
  return { size, mtimeMs, mtime: new Date(mtimeMs), isDirectory: () => directory, isFile: () => !directory, isSymbolicLink: () => false };
}

function readdir(path, options) {
  const found = host.readDirectory(pathOf(path));
  const list = [];
  for (let i = 0; i < found.length; i += 2) list.push({ name: found[i], directory: !!found[i + 1] });
  list.sort((a, b) => (a.name < b.name ? -1 : 1));
  if (!options?.withFileTypes) return list.map((e) => e.name);
  return list.map((e) => ({ name: e.name, parentPath: pathOf(path), isDirectory: () => e.directory, isFile: () => !e.directory }));
}

function mkdir(path, options) {
  if (!options?.recursive) return host.makeDirectory(pathOf(path));
  const parts = pathOf(path).split("/");
  for (let i = 1; i <= parts.length; i++) {
    const at = parts.slice(0, i).join("/");
    if (at && !statOf(at)) host.makeDirectory(at);
  }
}

function rm(path, options) {
  const found = statOf(path);
  if (!found && options?.force) return;
  if (!found || !found[0]) return host.removeFile(pathOf(path));
  if (options?.recursive) for (const name of readdir(path)) rm(`${pathOf(path)}/${name}`, options);
  host.removeDirectory(pathOf(path));
}

const calls = {
  readFile, writeFile, appendFile, readdir, stat, lstat: stat, mkdir, rm,
  rmdir: (path) => host.removeDirectory(pathOf(path)),
  unlink: (path) => host.removeFile(pathOf(path)),
  rename: (from, to) => host.rename(pathOf(from), pathOf(to)),
  copyFile: (from, to) => host.writeFile(pathOf(to), host.readFile(pathOf(from)), false),
  access: (path) => void stat(path),
};

// promises are the same calls, done at once.
export const promises = {};
const named = {};
for (const [name, fn] of Object.entries(calls)) {
  promises[name] = async (...args) => fn(...args);
  named[`${name}Sync`] = fn;
}

// own is "graflow:fs"; node is "fs", where the plain names want a callback.
export const own = { ...calls, exists, ...named, existsSync: exists, promises };
export const node = { ...named, existsSync: exists, promises };
for (const [name, fn] of Object.entries(calls)) {
  node[name] = (...args) => {
    const done = args.pop();
    if (typeof done !== "function") throw new TypeError(`fs.${name} needs a callback; use fs.${name}Sync or fs.promises.${name}`);
    promises[name](...args).then((v) => done(null, v), done);
  };
}
