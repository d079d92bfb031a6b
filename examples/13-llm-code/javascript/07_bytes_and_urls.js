// SHA-256 in plain JavaScript, because crypto.subtle is not available everywhere
function sha256(message) {
  const bytes = typeof message === "string" ? new TextEncoder().encode(message) : message;
  const primes = [];
  for (let n = 2; primes.length < 64; n++) {
    if (primes.every((p) => n % p)) primes.push(n);
  }
  const frac = (x) => ((x - Math.floor(x)) * 2 ** 32) >>> 0;
  const k = Uint32Array.from(primes, (p) => frac(Math.cbrt(p)));
  const h = Uint32Array.from(primes.slice(0, 8), (p) => frac(Math.sqrt(p)));

  const blocks = Math.ceil((bytes.length + 9) / 64);
  const padded = new Uint8Array(blocks * 64);
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setBigUint64(padded.length - 8, BigInt(bytes.length) * 8n);

  const rotr = (x, n) => (x >>> n) | (x << (32 - n));
  const w = new Uint32Array(64);
  for (let block = 0; block < blocks; block++) {
    for (let i = 0; i < 64; i++) {
      if (i < 16) {
        w[i] = view.getUint32(block * 64 + i * 4);
        continue;
      }
      const s0 = rotr(w[i - 15], 7) ^ rotr(w[i - 15], 18) ^ (w[i - 15] >>> 3);
      const s1 = rotr(w[i - 2], 17) ^ rotr(w[i - 2], 19) ^ (w[i - 2] >>> 10);
      w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    let [a, b, c, d, e, f, g, hh] = h;
    for (let i = 0; i < 64; i++) {
      const s1 = rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25);
      const t1 = (hh + s1 + ((e & f) ^ (~e & g)) + k[i] + w[i]) | 0;
      const s0 = rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22);
      const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      [hh, g, f, e, d, c, b, a] = [g, f, e, (d + t1) | 0, c, b, a, (t1 + t2) | 0];
    }
    [a, b, c, d, e, f, g, hh].forEach((v, i) => (h[i] += v));
  }
  return [...h].map((x) => x.toString(16).padStart(8, "0")).join("");
}

const toBase64 = (bytes) => btoa(String.fromCharCode(...bytes));
const fromBase64 = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

function main({ url }) {
  const parsed = new URL(url);
  const params = new URLSearchParams(parsed.search);
  params.delete("utm_source");
  params.append("tag", "b c");
  params.set("page", 3);
  params.sort();
  parsed.search = params.toString();
  parsed.hash = "";
  console.log(parsed.href);

  const text = "héllo, wörld 🌍";
  const bytes = new TextEncoder().encode(text);
  const clamped = new Uint8ClampedArray([-5, 100.5, 300]);
  const floats = new Float64Array([1.5, -2, 1e21]);

  return {
    host: parsed.host,
    port: parsed.port,
    path: parsed.pathname.split("/").filter(Boolean).map(decodeURIComponent),
    query: Object.fromEntries(params),
    tags: params.getAll("tag"),
    relative: new URL("../img/logo.png?v=1#top", "https://cdn.example.org/a/b/c.html").href,
    encoded: encodeURIComponent("a&b=c d/é"),
    digest: sha256("abc"),
    long: sha256("a".repeat(200)).slice(0, 16),
    base64: toBase64(bytes),
    decoded: new TextDecoder().decode(fromBase64(toBase64(bytes))) === text,
    bytes: bytes.slice(0, 3),
    clamped,
    floats,
    codePoints: [...text].length,
    units: text.length,
    endian: new Uint8Array(new Uint16Array([0x0102]).buffer)[0],
  };
}
