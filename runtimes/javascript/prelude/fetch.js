// fetch, Headers, Request, Response, through http_request. Bodies are whole, not streams.
import { host } from "./host.js";
import { ask } from "./loop.js";
import { request } from "./http.js";
import { DOMException } from "./encoding.js";
import { URLSearchParams } from "./url_search.js";

export class Headers {
  #map = new Map();
  constructor(init) {
    if (init) for (const [name, value] of typeof init[Symbol.iterator] === "function" ? init : Object.entries(init)) this.append(name, value);
  }
  append(name, value) {
    const k = String(name).toLowerCase();
    this.#map.set(k, this.#map.has(k) ? `${this.#map.get(k)}, ${value}` : String(value));
  }
  set = (name, value) => void this.#map.set(String(name).toLowerCase(), String(value));
  get = (name) => this.#map.get(String(name).toLowerCase()) ?? null;
  has = (name) => this.#map.has(String(name).toLowerCase());
  delete = (name) => void this.#map.delete(String(name).toLowerCase());
  forEach = (fn) => this.#map.forEach((v, k) => fn(v, k, this));
  *entries() {
    yield* [...this.#map].sort(([a], [b]) => (a < b ? -1 : 1));
  }
  *keys() {
    for (const [k] of this.entries()) yield k;
  }
  *values() {
    for (const [, v] of this.entries()) yield v;
  }
  [Symbol.iterator]() {
    return this.entries();
  }
}

function bytesOf(body, headers) {
  const type = (t) => headers.has("content-type") || headers.set("content-type", t);
  if (body === undefined || body === null) return undefined;
  if (body instanceof URLSearchParams) return type("application/x-www-form-urlencoded;charset=UTF-8"), host.encode(String(body));
  if (body instanceof ArrayBuffer) return new Uint8Array(body);
  if (ArrayBuffer.isView(body)) return new Uint8Array(body.buffer, body.byteOffset, body.byteLength);
  if (typeof body !== "string") body = String(body);
  return type("text/plain;charset=UTF-8"), host.encode(body);
}

class Body {
  #bytes;
  bodyUsed = false;
  constructor(bytes) {
    this.#bytes = bytes ?? new Uint8Array(0);
  }
  #take() {
    if (this.bodyUsed) throw new TypeError("the body was read already");
    this.bodyUsed = true;
    return this.#bytes;
  }
  async bytes() {
    return this.#take();
  }
  async arrayBuffer() {
    const b = this.#take();
    return b.buffer.slice(b.byteOffset, b.byteOffset + b.byteLength);
  }
  async text() {
    return host.decode(this.#take());
  }
  async json() {
    return JSON.parse(await this.text());
  }
  peek() {
    return this.#bytes;
  }
}

export class Request extends Body {
  constructor(input, init = {}) {
    const from = input instanceof Request ? input : undefined;
    const headers = new Headers(init.headers ?? from?.headers);
    super(bytesOf(init.body, headers) ?? from?.peek());
    this.url = from ? from.url : String(input);
    this.method = String(init.method ?? from?.method ?? "GET").toUpperCase();
    this.headers = headers;
    this.signal = init.signal ?? from?.signal;
    if (/^(GET|HEAD)$/.test(this.method) && this.peek().length) throw new TypeError(`a ${this.method} request has no body`);
  }
}

export class Response extends Body {
  constructor(body, { status = 200, statusText = "", headers, url = "" } = {}) {
    const made = new Headers(headers);
    super(bytesOf(body, made));
    Object.assign(this, { status, statusText, headers: made, url, ok: status >= 200 && status < 300, redirected: false, type: "basic" });
  }
  clone() {
    return new Response(this.peek(), this);
  }
  static json(value, init = {}) {
    const headers = new Headers(init.headers);
    if (!headers.has("content-type")) headers.set("content-type", "application/json");
    return new Response(JSON.stringify(value), { ...init, headers });
  }
  static error() {
    return new Response(null, { status: 0 });
  }
}

function send(r) {
  r.signal?.throwIfAborted();
  const body = r.peek();
  const answer = request({ method: r.method, url: r.url, headers: r.headers, body: body.length ? body : undefined });
  const headers = new Headers();
  for (const [name, values] of Object.entries(answer.headers)) for (const v of [values].flat()) headers.append(name, v);
  return new Response(answer.body, { status: answer.status, headers, url: r.url });
}

// fetch sends when nothing else is ready, one request after the other.
export function fetch(input, init) {
  return new Promise((resolve, reject) => {
    const r = new Request(input, init);
    if (r.url.startsWith("data:")) throw new DOMException("fetch: data URLs are not available", "NotSupportedError");
    ask(() => {
      try {
        resolve(send(r));
      } catch (error) {
        reject(error?.name === "HostError" ? Object.assign(new TypeError(`fetch failed: ${error.message}`), { cause: error }) : error);
      }
    });
  });
}
