// One call into C that would take years: no bytecode runs meanwhile
const work = {
  sort: () => new Array(4e9).sort(),
  join: () => Array.prototype.join.call({ length: 2 ** 32 - 1 }),
  indexOf: () => {
    const text = "a".repeat(1 << 20);
    for (let i = 0; i < 1e4; i++) text.indexOf("a".repeat(1 << 19) + "b");
  },
  power: () => 10n ** 10n ** 7n,
  regex: () => /^(a+)+$/.test("a".repeat(64) + "b"),
  fill: () => Array.prototype.fill.call({ length: Number.MAX_SAFE_INTEGER }, 0),
  reverse: () => Array.prototype.reverse.call({ length: 2 ** 53 - 1 }),
  microtasks: () => {
    const spin = () => Promise.resolve().then(spin);
    return spin();
  },
};
console.log("start");
await work[input]();
console.log("never printed");
