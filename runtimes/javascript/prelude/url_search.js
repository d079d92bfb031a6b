// URLSearchParams, as the URL standard has it.
const encode = (s) => encodeURIComponent(s.toWellFormed()).replace(/[!'()~]|%20/g, (c) => (c === "%20" ? "+" : "%" + c.charCodeAt(0).toString(16).toUpperCase()));

export function percentDecode(s) {
  return s.replace(/(?:%[0-9a-f]{2})+/gi, (run) => {
    try {
      return decodeURIComponent(run);
    } catch {
      return run.replace(/%[0-7][0-9a-f]/gi, (c) => String.fromCharCode(parseInt(c.slice(1), 16))).replace(/(?:%[89a-f][0-9a-f])+/gi, "\ufffd");
    }
  });
}

const decode = (s) => percentDecode(s.replaceAll("+", " "));

export class URLSearchParams {
  #list = [];
  #changed = () => {};
  constructor(init = "", changed) {
    if (changed) this.#changed = changed;
    if (typeof init === "object" && init !== null) {
      const pairs = typeof init[Symbol.iterator] === "function" ? init : Object.entries(init);
      for (const [k, v] of pairs) this.#list.push([String(k), String(v)]);
    } else {
      this.parse(String(init));
    }
  }
  parse(text) {
    if (text.startsWith("?")) text = text.slice(1);
    this.#list = text.split("&").filter(Boolean).map((part) => {
      const at = part.indexOf("=");
      return at < 0 ? [decode(part), ""] : [decode(part.slice(0, at)), decode(part.slice(at + 1))];
    });
  }
  get size() {
    return this.#list.length;
  }
  append(name, value) {
    this.#list.push([String(name), String(value)]);
    this.#changed();
  }
  delete(name, value) {
    this.#list = this.#list.filter(([k, v]) => k !== String(name) || (value !== undefined && v !== String(value)));
    this.#changed();
  }
  get(name) {
    return this.#list.find(([k]) => k === String(name))?.[1] ?? null;
  }
  getAll(name) {
    return this.#list.filter(([k]) => k === String(name)).map(([, v]) => v);
  }
  has(name, value) {
    return this.#list.some(([k, v]) => k === String(name) && (value === undefined || v === String(value)));
  }
  set(name, value) {
    const first = this.#list.find(([k]) => k === String(name));
    if (!first) return this.append(name, value);
    first[1] = String(value);
    this.#list = this.#list.filter((p) => p === first || p[0] !== String(name));
    this.#changed();
  }
  sort() {
    this.#list.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    this.#changed();
  }
  forEach(fn, self) {
    for (const [k, v] of this.#list) fn.call(self, v, k, this);
  }
  *entries() {
    yield* this.#list.map(([k, v]) => [k, v]);
  }
  *keys() {
    for (const [k] of this.#list) yield k;
  }
  *values() {
    for (const [, v] of this.#list) yield v;
  }
  [Symbol.iterator]() {
    return this.entries();
  }
  toString() {
    return this.#list.map(([k, v]) => `${encode(k)}=${encode(v)}`).join("&");
  }
  get [Symbol.toStringTag]() {
    return "URLSearchParams";
  }
}
