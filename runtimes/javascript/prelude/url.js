// URL, after the URL standard's parser. Hosts are ASCII: international names have to be
// given in punycode.
import { URLSearchParams, percentDecode } from "./url_search.js";

const ports = { "http:": "80", "https:": "443", "ws:": "80", "wss:": "443", "ftp:": "21", "file:": "" };

const escape = (set) => (s) =>
  s.toWellFormed().replace(/[^]/gu, (c) => (c < "!" || c > "~" || set.includes(c) ? percent(c) : c));
const percent = (c) => (c > "~" ? encodeURIComponent(c) : "%" + c.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0"));
const forPath = escape('"#<>?^`{}');
const forOpaque = (s) => s.toWellFormed().replace(/[^ -~]/gu, percent);
const forQuery = escape("\"#<>'");
const forPlainQuery = escape('"#<>');
const forHash = escape('"<>`');
const forUser = escape('"#<>?`{}/:;=@[\\]^|');

function invalid(what) {
  return Object.assign(new TypeError(`Invalid URL: ${what}`), { code: "ERR_INVALID_URL", input: what });
}

function ipv4(host, input) {
  const parts = host.split(".");
  if (parts.at(-1) === "" && parts.length > 1) parts.pop();
  if (!/^(\d+|0x[0-9a-f]*)$/i.test(parts.at(-1))) return undefined;
  const numbers = parts.map((p) => (/^0x[0-9a-f]*$/i.test(p) ? parseInt(p.slice(2) || "0", 16) : /^0[0-7]*$/.test(p) ? parseInt(p, 8) : /^\d+$/.test(p) ? parseInt(p, 10) : NaN));
  const last = numbers.pop();
  if (parts.length > 4 || numbers.some((n) => !(n <= 255)) || !(last < 256 ** (4 - numbers.length))) throw invalid(input);
  const value = numbers.reduce((sum, n, i) => sum + n * 256 ** (3 - i), last);
  return [24, 16, 8, 0].map((s) => Math.floor(value / 2 ** s) % 256).join(".");
}

function ipv6(text, input) {
  const v4 = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text);
  if (v4) {
    const [a, b, c, d] = v4.slice(2).map(Number);
    if ([a, b, c, d].some((n) => n > 255)) throw invalid(input);
    text = `${v4[1]}${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
  }
  const halves = text.split("::");
  const words = halves.map((h) => (h ? h.split(":") : []));
  const missing = 8 - words.flat().length;
  if (halves.length > 2 || (halves.length === 2 ? missing < 1 : missing !== 0) || words.flat().some((w) => !/^[0-9a-f]{1,4}$/i.test(w))) throw invalid(input);
  const all = halves.length === 2 ? [...words[0], ...Array(missing).fill("0"), ...words[1]] : words[0];
  const numbers = all.map((w) => parseInt(w, 16).toString(16));
  let best = [0, 1];
  for (let i = 0; i < 8; i++) {
    let n = 0;
    while (i + n < 8 && numbers[i + n] === "0") n++;
    if (n > best[1]) best = [i, n];
  }
  if (best[1] < 2) return `[${numbers.join(":")}]`;
  return `[${numbers.slice(0, best[0]).join(":")}::${numbers.slice(best[0] + best[1]).join(":")}]`;
}

function parseHost(text, special, input) {
  if (text.startsWith("[")) {
    if (!text.endsWith("]")) throw invalid(input);
    return ipv6(text.slice(1, -1), input);
  }
  if (!special) {
    if (/[\0\t\n\r #/<>?@[\\\]^|]/.test(text)) throw invalid(input);
    return forOpaque(text);
  }
  const host = percentDecode(text).toLowerCase();
  if (host === "" || /[\0-\x20"#%/:<>?@[\\\]^`{|}\x7f]/.test(host)) throw invalid(input);
  if (/[^\0-\x7f]/.test(host)) throw invalid(`${input} (international names have to be given in punycode)`);
  return ipv4(host, input) ?? host;
}

function normalizePath(path, scheme, special) {
  const out = [];
  const parts = (special ? path.replaceAll("\\", "/") : path).split("/");
  parts.forEach((part, i) => {
    const last = i === parts.length - 1;
    const plain = part.replace(/%2e/gi, ".");
    if (plain === "..") {
      if (out.length > 1 && !(scheme === "file:" && out.length === 2 && /^[a-z]:$/i.test(out[1]))) out.pop();
      if (last) out.push("");
    } else if (plain === ".") {
      if (last) out.push("");
    } else {
      out.push(forPath(part));
    }
  });
  return out.join("/");
}

function parse(input, base) {
  const text = input.replace(/^[\0- ]+|[\0- ]+$/g, "").replace(/[\t\n\r]/g, "");
  const [, scheme] = /^([a-z][a-z0-9+.-]*:)/i.exec(text) ?? [];
  const u = { scheme: scheme?.toLowerCase() ?? base?.scheme, user: "", password: "", host: null, port: "", path: "", query: null, hash: null };
  if (!u.scheme) throw invalid(input);
  const special = u.scheme in ports;
  let rest = scheme ? text.slice(scheme.length) : text;
  const hash = rest.indexOf("#");
  if (hash >= 0) {
    u.hash = forHash(rest.slice(hash + 1));
    rest = rest.slice(0, hash);
  }
  const query = rest.indexOf("?");
  if (query >= 0) {
    u.query = (special ? forQuery : forPlainQuery)(rest.slice(query + 1));
    rest = rest.slice(0, query);
  }
  if (special) rest = rest.replaceAll("\\", "/");
  const relative = !scheme || (special && base?.scheme === u.scheme && !rest.startsWith("/"));
  if (relative && base && !rest.startsWith("//")) return onBase(u, rest, base, special, query >= 0, input);
  if (rest.startsWith("//") || (special && u.scheme !== "file:")) return withHost(u, rest.replace(special && u.scheme !== "file:" ? /^\/*/ : /^\/\//, ""), special, input);
  if (u.scheme === "file:") u.host = "";
  u.path = rest.startsWith("/") || special ? normalizePath(rest.startsWith("/") ? rest : `/${rest}`, u.scheme, special) : forOpaque(rest);
  u.opaque = !u.path.startsWith("/");
  return u;
}

function onBase(u, rest, base, special, hasQuery, input) {
  if (base.opaque && !(rest === "" && !hasQuery)) throw invalid(input);
  Object.assign(u, { user: base.user, password: base.password, host: base.host, port: base.port, opaque: base.opaque });
  if (rest === "") {
    u.path = base.path;
    if (!hasQuery) u.query = base.query;
  } else {
    u.path = normalizePath(rest.startsWith("/") ? rest : base.path.slice(0, base.path.lastIndexOf("/") + 1) + rest, u.scheme, special);
  }
  return u;
}

function withHost(u, rest, special, input) {
  const end = rest.indexOf("/");
  let authority = end < 0 ? rest : rest.slice(0, end);
  const path = end < 0 ? "" : rest.slice(end);
  const at = authority.lastIndexOf("@");
  if (at >= 0) {
    const [user, ...password] = authority.slice(0, at).split(":");
    u.user = forUser(user);
    u.password = forUser(password.join(":"));
    authority = authority.slice(at + 1);
  }
  const [, name, port] = /^(.*?)(?::(\d*))?$/.exec(authority);
  if (port && Number(port) > 65535) throw invalid(input);
  if (u.scheme === "file:") u.host = name === "" || name === "localhost" ? "" : parseHost(name, true, input);
  else if (name === "" && (special || at >= 0 || port)) throw invalid(input);
  else u.host = name === "" ? "" : parseHost(name, special, input);
  u.port = port === undefined || port === "" || String(Number(port)) === ports[u.scheme] ? "" : String(Number(port));
  u.path = path || special ? normalizePath(path || "/", u.scheme, special) : "";
  return u;
}

export class URL {
  #u;
  #params;
  constructor(input, base) {
    this.#u = parse(String(input), base === undefined ? undefined : parse(String(base)));
  }
  static canParse(input, base) {
    return URL.parse(input, base) !== null;
  }
  static parse(input, base) {
    try {
      return new URL(input, base);
    } catch {
      return null;
    }
  }
  get href() {
    const u = this.#u;
    const at = u.user || u.password ? `${u.user}${u.password ? `:${u.password}` : ""}@` : "";
    const authority = u.host === null ? (u.path.startsWith("//") ? "/." : "") : `//${at}${this.host}`;
    return u.scheme + authority + u.path + (u.query === null ? "" : `?${u.query}`) + (u.hash === null ? "" : `#${u.hash}`);
  }
  set href(v) {
    this.#u = parse(String(v));
    this.#params?.parse(this.#u.query ?? "");
  }
  get origin() {
    return this.#u.scheme in ports && this.#u.scheme !== "file:" ? `${this.#u.scheme}//${this.host}` : "null";
  }
  get protocol() {
    return this.#u.scheme;
  }
  set protocol(v) {
    const [, scheme] = /^([a-z][a-z0-9+.-]*)/i.exec(String(v)) ?? [];
    if (scheme && `${scheme.toLowerCase()}:` in ports === this.#u.scheme in ports) this.#u.scheme = `${scheme.toLowerCase()}:`;
    if (this.#u.port === ports[this.#u.scheme]) this.#u.port = "";
  }
  get username() {
    return this.#u.user;
  }
  set username(v) {
    this.#u.user = forUser(String(v));
  }
  get password() {
    return this.#u.password;
  }
  set password(v) {
    this.#u.password = forUser(String(v));
  }
  get host() {
    return (this.#u.host ?? "") + (this.#u.port ? `:${this.#u.port}` : "");
  }
  set host(v) {
    const [, name, port] = /^([^/?#]*?)(?::(\d*))?$/.exec(String(v)) ?? [];
    if (!name) return;
    this.hostname = name;
    if (port) this.port = port;
  }
  get hostname() {
    return this.#u.host ?? "";
  }
  set hostname(v) {
    try {
      if (!this.#u.opaque) this.#u.host = parseHost(String(v), this.#u.scheme in ports, v);
    } catch {
      // an invalid host changes nothing, says the standard
    }
  }
  get port() {
    return this.#u.port;
  }
  set port(v) {
    const [digits] = /^\d*/.exec(String(v));
    if (String(v) === "" || digits === "") this.#u.port = String(v) === "" ? "" : this.#u.port;
    else if (Number(digits) <= 65535) this.#u.port = String(Number(digits)) === ports[this.#u.scheme] ? "" : String(Number(digits));
  }
  get pathname() {
    return this.#u.path;
  }
  set pathname(v) {
    const path = String(v);
    if (!this.#u.opaque) this.#u.path = normalizePath(path.startsWith("/") ? path : `/${path}`, this.#u.scheme, this.#u.scheme in ports);
  }
  get search() {
    return this.#u.query ? `?${this.#u.query}` : "";
  }
  set search(v) {
    const text = String(v).replace(/^\?/, "");
    this.#u.query = text === "" ? null : forQuery(text);
    this.#params?.parse(text);
  }
  get searchParams() {
    return (this.#params ??= new URLSearchParams(this.#u.query ?? "", () => (this.#u.query = String(this.#params) || null)));
  }
  get hash() {
    return this.#u.hash ? `#${this.#u.hash}` : "";
  }
  set hash(v) {
    const text = String(v).replace(/^#/, "");
    this.#u.hash = text === "" ? null : forHash(text);
  }
  toString() {
    return this.href;
  }
  toJSON() {
    return this.href;
  }
  get [Symbol.toStringTag]() {
    return "URL";
  }
}
