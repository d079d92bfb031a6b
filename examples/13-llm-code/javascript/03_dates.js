const MS_PER_DAY = 24 * 60 * 60 * 1000;
const WEEKDAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

const pad = (n, width = 2) => String(n).padStart(width, "0");
const formatDate = (d) => `${d.getUTCFullYear()}-${pad(d.getUTCMonth() + 1)}-${pad(d.getUTCDate())}`;

// Adds months and clamps to the last day of the month
function addMonths(date, months) {
  const d = new Date(date.getTime());
  const day = d.getUTCDate();
  d.setUTCDate(1);
  d.setUTCMonth(d.getUTCMonth() + months);
  const last = new Date(Date.UTC(d.getUTCFullYear(), d.getUTCMonth() + 1, 0)).getUTCDate();
  d.setUTCDate(Math.min(day, last));
  return d;
}

function isoWeek(date) {
  const d = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()));
  d.setUTCDate(d.getUTCDate() + 4 - (d.getUTCDay() || 7));
  const yearStart = Date.UTC(d.getUTCFullYear(), 0, 1);
  return { year: d.getUTCFullYear(), week: Math.ceil(((d - yearStart) / MS_PER_DAY + 1) / 7) };
}

function humanize(ms) {
  const units = [["d", MS_PER_DAY], ["h", 3600000], ["m", 60000], ["s", 1000]];
  const parts = [];
  for (const [unit, size] of units) {
    const n = Math.floor(ms / size);
    if (n > 0) parts.push(`${n}${unit}`);
    ms %= size;
  }
  return parts.join(" ") || "0s";
}

const start = new Date(input.start);
if (Number.isNaN(start.getTime())) {
  throw new RangeError(`invalid date: ${input.start}`);
}

const billing = Array.from({ length: 5 }, (_, i) => formatDate(addMonths(start, i)));
console.log("Billing dates:", billing);
console.log(`${formatDate(start)} is a ${WEEKDAYS[start.getUTCDay()]}`);
console.log(start);

let businessDays = 0;
for (let t = start.getTime(); t < Date.parse(input.end); t += MS_PER_DAY) {
  const day = new Date(t).getUTCDay();
  if (day !== 0 && day !== 6) businessDays++;
}

result = {
  billing,
  businessDays,
  isoWeeks: ["2024-12-30", "2021-01-03", "2020-12-31"].map((s) => isoWeek(new Date(s))),
  elapsed: humanize(Date.parse(input.end) - start),
  due: new Date(start.getTime() + 14 * MS_PER_DAY),
  offset: new Date("2024-03-10T01:30:00-05:00").toISOString(),
  epoch: +new Date(0),
  invalid: String(new Date("nonsense")),
  json: JSON.stringify({ at: start }),
};
