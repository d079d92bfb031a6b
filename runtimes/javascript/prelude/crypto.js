// crypto.getRandomValues, crypto.randomUUID; performance.
import { host } from "./host.js";
import { DOMException } from "./encoding.js";

export const crypto = {
  getRandomValues(array) {
    if (!ArrayBuffer.isView(array) || array instanceof Float32Array || array instanceof Float64Array || array instanceof DataView) {
      throw new TypeError("crypto.getRandomValues needs a typed array of integers");
    }
    if (array.byteLength > 65536) throw new DOMException("crypto.getRandomValues fills 65536 bytes at most", "QuotaExceededError");
    new Uint8Array(array.buffer, array.byteOffset, array.byteLength).set(host.random(array.byteLength));
    return array;
  },
  randomUUID() {
    const b = host.random(16);
    b[6] = (b[6] & 15) | 64;
    b[8] = (b[8] & 63) | 128;
    const hex = Array.from(b, (x) => x.toString(16).padStart(2, "0")).join("");
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
  },
  get subtle() {
    throw new Error("crypto.subtle is not available in the sandbox: hash and sign in a tool or another task");
  },
};

let began = 0;

// began is read anew at each run.
export function startClock() {
  began = host.now();
}

export const performance = {
  now: () => host.now() - began,
  get timeOrigin() {
    return Date.now() - (host.now() - began);
  },
  mark() {},
  measure() {},
};
