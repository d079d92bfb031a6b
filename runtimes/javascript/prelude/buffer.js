// "buffer": node's Buffer, bytes that know encodings.
import { host } from "./host.js";
import { TextDecoder, atob, btoa } from "./encoding.js";

const one = (encoding) => String(encoding ?? "utf8").toLowerCase();

// bytesOf is a text as bytes in an encoding.
function bytesOf(text, encoding) {
  switch (one(encoding)) {
    case "utf8": case "utf-8": return host.encode(text);
    case "hex": return Uint8Array.fromHex(/^(?:[0-9a-f]{2})*/i.exec(text)[0]);
    case "base64": case "base64url": return host.unbase64(text.replace(/=[^]*|[^\w+/-]/g, "")) ?? new Uint8Array(0);
    case "latin1": case "binary": case "ascii": return Uint8Array.from(text, (c) => c.charCodeAt(0));
    case "utf16le": case "utf-16le": case "ucs2": case "ucs-2":
      return new Uint8Array(Uint16Array.from({ length: text.length }, (_, i) => text.charCodeAt(i)).buffer);
  }
  throw new TypeError(`Unknown encoding: ${encoding}`);
}

function textOf(bytes, encoding) {
  switch (one(encoding)) {
    case "utf8": case "utf-8": return host.decode(bytes);
    case "hex": return bytes.toHex();
    case "base64": return host.base64(bytes);
    case "base64url": return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
    case "ascii": return new TextDecoder("latin1").decode(bytes.map((b) => b & 127));
    case "latin1": case "binary": return new TextDecoder("latin1").decode(bytes);
    case "utf16le": case "utf-16le": case "ucs2": case "ucs-2": return new TextDecoder("utf-16le").decode(bytes);
  }
  throw new TypeError(`Unknown encoding: ${encoding}`);
}

const view = (bytes) => new Buffer(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const needle = (value, encoding) => (typeof value === "string" ? bytesOf(value, encoding) : typeof value === "number" ? [value & 255] : value);

export class Buffer extends Uint8Array {
  constructor(value, ...rest) {
    if (typeof value === "string") super(bytesOf(value, rest[0]));
    else super(value, ...rest);
  }
  static from(value, encoding, length) {
    if (typeof value === "string") return view(bytesOf(value, encoding));
    if (value instanceof ArrayBuffer) return new Buffer(value, encoding, length);
    if (value?.type === "Buffer" && Array.isArray(value.data)) return new Buffer(value.data);
    if (value === null || typeof value !== "object") throw new TypeError("Buffer.from needs a string, bytes or an array");
    return new Buffer(value);
  }
  static of(...bytes) {
    return new Buffer(bytes);
  }
  static alloc(size, fill, encoding) {
    const made = new Buffer(size);
    return fill === undefined ? made : made.fill(fill, 0, size, encoding);
  }
  static concat(list, length = list.reduce((n, b) => n + b.length, 0)) {
    const made = new Buffer(length);
    let at = 0;
    for (const b of list) {
      made.set(b.length > length - at ? b.subarray(0, length - at) : b, at);
      at = Math.min(length, at + b.length);
    }
    return made;
  }
  static byteLength(value, encoding) {
    return typeof value === "string" ? bytesOf(value, encoding).length : value.byteLength;
  }
  static isBuffer(value) {
    return value instanceof Buffer;
  }
  static isEncoding(name) {
    return /^(?:utf-?8|hex|base64(?:url)?|latin1|binary|ascii|utf-?16le|ucs-?2)$/i.test(name);
  }
  static compare(a, b) {
    for (let i = 0; i < Math.min(a.length, b.length); i++) if (a[i] !== b[i]) return a[i] < b[i] ? -1 : 1;
    return Math.sign(a.length - b.length);
  }
  toString(encoding, start = 0, end = this.length) {
    return textOf(this.subarray(start, end), encoding);
  }
  toJSON() {
    return { type: "Buffer", data: Array.from(this) };
  }
  equals(other) {
    return Buffer.compare(this, other) === 0;
  }
  compare(other) {
    return Buffer.compare(this, other);
  }
  slice(start, end) {
    return this.subarray(start, end);
  }
  write(text, at = 0, length = this.length - at, encoding = "utf8") {
    if (typeof at === "string") return this.write(text, 0, this.length, at);
    if (typeof length === "string") return this.write(text, at, this.length - at, length);
    const bytes = bytesOf(text, encoding).subarray(0, Math.min(length, this.length - at));
    this.set(bytes, at);
    return bytes.length;
  }
  copy(target, at = 0, start = 0, end = this.length) {
    const bytes = this.subarray(start, Math.min(end, start + target.length - at));
    target.set(bytes, at);
    return bytes.length;
  }
  fill(value, start = 0, end = this.length, encoding = "utf8") {
    const bytes = needle(value, typeof start === "string" ? start : encoding);
    if (typeof start === "string") start = 0;
    for (let i = start; i < end; i++) this[i] = bytes.length ? bytes[(i - start) % bytes.length] : 0;
    return this;
  }
  indexOf(value, from = 0, encoding = "utf8") {
    const bytes = needle(value, encoding);
    for (let i = from < 0 ? Math.max(0, this.length + from) : from; i + bytes.length <= this.length; i++) {
      let n = 0;
      while (n < bytes.length && this[i + n] === bytes[n]) n++;
      if (n === bytes.length) return i;
    }
    return -1;
  }
  includes(value, from, encoding) {
    return this.indexOf(value, from, encoding) >= 0;
  }
  [Symbol.for("nodejs.util.inspect.custom")]() {
    const shown = Array.from(this.subarray(0, 50), (b) => ` ${b.toString(16).padStart(2, "0")}`).join("");
    return `<Buffer${shown}${this.length > 50 ? ` ... ${this.length - 50} more bytes` : ""}>`;
  }
}
Buffer.allocUnsafe = Buffer.allocUnsafeSlow = (size) => new Buffer(size);

// Numbers in either order of bytes, by DataView.
const numbers = { Int8: 1, Int16: 2, Int32: 4, Float32: 4, Float64: 8, BigInt64: 8, Uint8: 1, Uint16: 2, Uint32: 4, BigUint64: 8 };
for (const [type, size] of Object.entries(numbers)) {
  for (const order of size === 1 ? [""] : ["LE", "BE"]) {
    const name = type.replace("Float32", "Float").replace("Float64", "Double") + order;
    const at = (b, offset) => new DataView(b.buffer, b.byteOffset + offset, size);
    const methods = {
      [`read${name}`](offset = 0) { return at(this, offset)[`get${type}`](0, order === "LE"); },
      [`write${name}`](value, offset = 0) { at(this, offset)[`set${type}`](0, value, order === "LE"); return offset + size; },
    };
    for (const [method, value] of Object.entries(methods)) {
      for (const alias of [method, method.replace("Uint", "UInt")]) {
        Object.defineProperty(Buffer.prototype, alias, { value, writable: true, configurable: true });
      }
    }
  }
}

export const buffer = { Buffer, atob, btoa, constants: { MAX_LENGTH: 2 ** 31 - 1 } };
