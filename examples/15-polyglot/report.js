// The task of 15-polyglot in JavaScript: a table of what all others found.
const { smooth, trend, extremes, summary, spells } = input;

const sign = (x) => (x > 0 ? `+${x}` : `${x}`);
const rows = Object.entries(summary).map(([station, { mean, deviation }]) => [
  station,
  `${mean} ± ${deviation}`,
  sign(trend[station]),
  extremes[station].coldest,
  extremes[station].warmest,
  smooth[station].at(-1),
  spells.filter((s) => s.station === station).map((s) => `${s.days} days of ${s.kind} from ${s.from}`).join(", ") || "-",
]);
const header = ["station", "mean", "a day", "coldest", "warmest", "at last", "spells"];

[header, header.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |\n`).join("");
