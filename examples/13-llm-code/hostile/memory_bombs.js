// Many ways to want all memory; the last one takes it for good
const outcome = {};
function attempt(name, action) {
  try {
    outcome[name] = typeof action();
  } catch (e) {
    outcome[name] = e?.constructor?.name ?? String(e);
  }
}

attempt("string", () => "x".repeat(2 ** 30));
attempt("laughs", () => {
  let text = "lol";
  for (let i = 0; i < 64; i++) text += text;
  return text.split("").length;
});
attempt("buffer", () => new ArrayBuffer(2 ** 32));
attempt("typed", () => new Float64Array(2 ** 29));
attempt("fill", () => new Array(2 ** 28).fill({}));
attempt("recursion", function down() {
  return down() + 1;
});
attempt("deep JSON", () => {
  let deep = [];
  for (let i = 0; i < 1e5; i++) deep = [deep];
  return JSON.stringify(deep);
});
attempt("deep source", () => eval("[".repeat(1e5) + "]".repeat(1e5)));
console.log(JSON.stringify(outcome));
if (["string", "laughs", "buffer", "typed", "fill", "recursion"].some((name) => /^[a-z]/.test(outcome[name]))) {
  throw new Error("got what nobody may have");
}

const hoard = [];
for (;;) hoard.push(new Uint8Array(1 << 20).fill(1));
