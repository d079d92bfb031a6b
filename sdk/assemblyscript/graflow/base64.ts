const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

export function encode(buffer: ArrayBuffer): string {
  const bytes = Uint8Array.wrap(buffer);
  const parts = new Array<string>();
  for (let i = 0; i < bytes.length; i += 3) {
    const left = bytes.length - i;
    let bits = <i32>bytes[i] << 16;
    if (left > 1) bits |= <i32>bytes[i + 1] << 8;
    if (left > 2) bits |= bytes[i + 2];
    for (let j = 0; j < 4; j++) {
      parts.push(j <= left ? LETTERS.charAt((bits >> (18 - 6 * j)) & 63) : "=");
    }
  }
  return parts.join("");
}

/** The bytes of what the host wrote; what is no letter ends it. */
export function decode(text: string): ArrayBuffer {
  let len = text.length;
  while (len > 0 && text.charCodeAt(len - 1) == 0x3d) len--;
  const bytes = new Uint8Array((len * 6) >> 3);
  let bits = 0;
  let count = 0;
  let to = 0;
  for (let i = 0; i < len; i++) {
    const six = LETTERS.indexOf(text.charAt(i));
    if (six < 0) break;
    bits = ((bits << 6) | six) & 0xffff;
    count += 6;
    if (count >= 8) {
      count -= 8;
      bytes[to++] = <u8>(bits >> count);
    }
  }
  return bytes.buffer;
}
