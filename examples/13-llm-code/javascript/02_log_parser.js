const LINE = /^(?<time>\d{4}-\d{2}-\d{2}T[\d:.]+Z)\s+(?<level>DEBUG|INFO|WARN|ERROR)\s+\[(?<service>[\w-]+)\]\s+(?<message>.*)$/;
const PAIR = /(?<key>\w+)=(?:"(?<quoted>[^"]*)"|(?<bare>\S+))/g;

function parseLine(line) {
  const match = line.match(LINE);
  if (!match) return null;
  const { time, level, service, message } = match.groups;
  const fields = {};
  for (const { groups: { key, quoted, bare } } of message.matchAll(PAIR)) {
    const value = quoted ?? bare;
    fields[key] = /^-?\d+(\.\d+)?$/.test(value) ? parseFloat(value) : value;
  }
  return { time: new Date(time), level, service, text: message.replace(PAIR, "").trim(), fields };
}

function percentile(values, p) {
  const sorted = [...values].sort((a, b) => a - b);
  const index = (sorted.length - 1) * p;
  const low = Math.floor(index);
  const high = Math.ceil(index);
  return sorted[low] + (sorted[high] - sorted[low]) * (index - low);
}

function main(input) {
  const lines = input.log.trim().split(/\r?\n/);
  const entries = lines.map(parseLine).filter(Boolean);
  const levels = new Map();
  for (const { level } of entries) {
    levels.set(level, (levels.get(level) || 0) + 1);
  }
  console.log(levels);
  console.log(`Parsed ${entries.length} of ${lines.length} lines`);

  const durations = entries.map((e) => e.fields.ms).filter((ms) => ms !== undefined);
  return {
    levels,
    services: new Set(entries.map((e) => e.service)),
    first: entries[0].time,
    spanSeconds: (entries.at(-1).time - entries[0].time) / 1000,
    p50: percentile(durations, 0.5),
    p95: Number(percentile(durations, 0.95).toFixed(3)),
    errors: entries.filter((e) => e.level === "ERROR").map(({ text, fields }) => ({ text, ...fields })),
    masked: lines.at(-1).replace(/(?<=user=)(\w)\w*(?=\s|$)/, "$1***"),
  };
}
