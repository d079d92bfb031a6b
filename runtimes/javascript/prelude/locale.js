// toLocaleString of numbers, and just enough of Intl: English of the United States and UTC
// alone. Dates are the engine's own.
function group(digits) {
  return digits.replace(/\B(?=(\d{3})+$)/g, ",");
}

const symbols = { USD: "$", EUR: "€", GBP: "£", JPY: "¥", INR: "₹", CNY: "CN¥", KRW: "₩" };

function compact(n) {
  for (const [size, letter] of [[1e12, "T"], [1e9, "B"], [1e6, "M"], [1e3, "K"]]) if (n >= size) return [n / size, letter];
  return [n, ""];
}

export function formatNumber(value, options = {}) {
  if (typeof value === "bigint") return (value < 0n ? "-" : "") + group(String(value < 0n ? -value : value));
  const { style = "decimal", currency, notation, useGrouping = true, unit } = options;
  if (Number.isNaN(value)) return "NaN";
  let n = Math.abs(value) * (style === "percent" ? 100 : 1);
  let letter = "";
  if (notation === "compact") [n, letter] = compact(n);
  const byDefault = style === "currency" ? (currency === "JPY" ? 0 : 2) : undefined;
  const least = options.minimumFractionDigits ?? byDefault ?? 0;
  const most = Math.max(least, options.maximumFractionDigits ?? byDefault ?? (style === "percent" || letter ? 0 : 3));
  let text = n === Infinity ? "∞" : options.maximumSignificantDigits ? String(Number(n.toPrecision(options.maximumSignificantDigits))) : n.toFixed(most);
  if (notation === "compact" && options.maximumFractionDigits === undefined) text = n < 100 ? String(Number(n.toPrecision(2))) : n.toFixed(0);
  let [whole, fraction = ""] = text.split(".");
  while (fraction.length > least && fraction.endsWith("0")) fraction = fraction.slice(0, -1);
  whole = whole.padStart(options.minimumIntegerDigits ?? 1, "0");
  text = (useGrouping ? group(whole) : whole) + (fraction ? `.${fraction}` : "") + letter;
  if (style === "percent") text += "%";
  if (style === "currency") text = (symbols[currency] ?? `${currency}\u00a0`) + text;
  if (style === "unit" && unit) text += ` ${unit}`;
  return (value < 0 || Object.is(value, -0) ? "-" : "") + text;
}

class NumberFormat {
  constructor(locale, options = {}) {
    this.format = (value) => formatNumber(typeof value === "bigint" ? value : Number(value), options);
  }
  resolvedOptions() {
    return { locale: "en-US", numberingSystem: "latn" };
  }
}

class DateTimeFormat {
  constructor(locale, options) {
    this.format = (date = new Date()) => new Date(date).toLocaleDateString(locale, options);
  }
  resolvedOptions() {
    return { locale: "en-US", calendar: "gregory", numberingSystem: "latn", timeZone: "UTC" };
  }
}

class Collator {
  compare = (a, b) => String(a).localeCompare(String(b));
  resolvedOptions() {
    return { locale: "en-US" };
  }
}

class PluralRules {
  constructor(locale, { type = "cardinal" } = {}) {
    this.type = type;
  }
  select(n) {
    if (this.type === "cardinal") return n === 1 ? "one" : "other";
    const [a, b] = [n % 10, n % 100];
    return a === 1 && b !== 11 ? "one" : a === 2 && b !== 12 ? "two" : a === 3 && b !== 13 ? "few" : "other";
  }
}

class ListFormat {
  constructor(locale, { type = "conjunction" } = {}) {
    this.word = type === "disjunction" ? "or" : "and";
  }
  format(list) {
    const all = [...list];
    if (all.length < 3) return all.join(` ${this.word} `);
    return `${all.slice(0, -1).join(", ")}, ${this.word} ${all.at(-1)}`;
  }
}

export const Intl = { NumberFormat, DateTimeFormat, Collator, PluralRules, ListFormat, getCanonicalLocales: () => ["en-US"] };
