// TextEncoder, TextDecoder, atob, btoa.
import { host } from "./host.js";

class TextEncoder {
  get encoding() {
    return "utf-8";
  }
  encode(text = "") {
    return host.encode(String(text));
  }
  encodeInto(text, target) {
    let read = 0;
    let written = 0;
    for (const c of String(text)) {
      const bytes = host.encode(c);
      if (written + bytes.length > target.length) break;
      target.set(bytes, written);
      written += bytes.length;
      read += c.length;
    }
    return { read, written };
  }
}

const labels = { "utf-8": "utf-8", utf8: "utf-8", "utf-16le": "utf-16le", "utf-16": "utf-16le", ucs2: "utf-16le", latin1: "latin1", ascii: "latin1", "us-ascii": "latin1", "iso-8859-1": "latin1", "windows-1252": "latin1" };

class TextDecoder {
  #rest = new Uint8Array(0);
  constructor(label = "utf-8", { fatal = false, ignoreBOM = false } = {}) {
    const encoding = labels[String(label).trim().toLowerCase()];
    if (!encoding) throw new RangeError(`TextDecoder: the encoding ${label} is not available, utf-8, utf-16le and latin1 are`);
    Object.assign(this, { encoding, fatal, ignoreBOM });
  }
  decode(input, { stream = false } = {}) {
    const given = input === undefined ? new Uint8Array(0) : ArrayBuffer.isView(input) ? new Uint8Array(input.buffer, input.byteOffset, input.byteLength) : new Uint8Array(input);
    let bytes = given;
    if (this.#rest.length) {
      bytes = new Uint8Array(this.#rest.length + given.length);
      bytes.set(this.#rest);
      bytes.set(given, this.#rest.length);
    }
    const keep = stream ? unfinished(bytes, this.encoding) : 0;
    this.#rest = bytes.slice(bytes.length - keep);
    bytes = bytes.subarray(0, bytes.length - keep);
    if (this.encoding === "latin1") return narrow(bytes);
    if (this.encoding === "utf-16le") return wide(bytes);
    const text = host.decode(bytes);
    if (this.fatal && text.includes("\ufffd") && !same(host.encode(text), bytes)) throw new TypeError("the bytes are not UTF-8");
    return !this.ignoreBOM && text.startsWith("\ufeff") ? text.slice(1) : text;
  }
}

const same = (a, b) => a.length === b.length && a.every((x, i) => x === b[i]);

// unfinished is how many bytes at the end may be the start of a character.
function unfinished(bytes, encoding) {
  if (encoding === "utf-16le") return bytes.length % 2;
  if (encoding === "latin1") return 0;
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const b = bytes[bytes.length - back];
    if ((b & 0xc0) === 0x80) continue;
    const size = b >= 0xf0 ? 4 : b >= 0xe0 ? 3 : b >= 0xc0 ? 2 : 1;
    return size > back ? back : 0;
  }
  return 0;
}

function chunks(codes) {
  let out = "";
  for (let i = 0; i < codes.length; i += 4096) out += String.fromCharCode(...codes.subarray(i, i + 4096));
  return out;
}

const narrow = chunks;
const wide = (bytes) => chunks(new Uint16Array(bytes.slice(0, bytes.length & ~1).buffer));

function btoa(text) {
  const s = String(text);
  const bytes = new Uint8Array(s.length);
  for (let i = 0; i < s.length; i++) {
    const c = s.charCodeAt(i);
    if (c > 255) throw new DOMException("btoa: a character is beyond Latin-1", "InvalidCharacterError");
    bytes[i] = c;
  }
  return host.base64(bytes);
}

function atob(text) {
  const s = String(text).replace(/[\t\n\f\r ]/g, "");
  const bytes = /[-_]/.test(s) || /=(?!=?$)/.test(s) ? undefined : host.unbase64(s);
  if (!bytes) throw new DOMException("atob: the text is not base64", "InvalidCharacterError");
  return narrow(bytes);
}

// DOMException is an Error with the name of its kind.
class DOMException extends Error {
  constructor(message = "", name = "Error") {
    super(message);
    Object.defineProperty(this, "name", { value: name, configurable: true, writable: true });
  }
  get code() {
    return { InvalidCharacterError: 5, AbortError: 20, TimeoutError: 23, DataCloneError: 25, QuotaExceededError: 22 }[this.name] ?? 0;
  }
}

export { DOMException, TextDecoder, TextEncoder, atob, btoa };
