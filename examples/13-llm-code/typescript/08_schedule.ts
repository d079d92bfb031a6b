type Minutes = number;
type Weekday = (typeof WEEKDAYS)[number];
type Slot = [start: Minutes, end: Minutes];

const WEEKDAYS = ["Mon", "Tue", "Wed", "Thu", "Fri"] as const;

interface Meeting {
  title: string;
  start: string; // ISO 8601 with offset
  minutes: number;
  repeat?: { everyDays: number; count: number };
}

const DAY = 24 * 60;
const toMinutes = (date: Date): Minutes => Math.floor(date.getTime() / 60_000);
const fromMinutes = (m: Minutes): Date => new Date(m * 60_000);
const clock = (m: Minutes): string => fromMinutes(m).toISOString().slice(11, 16);

function* occurrences({ start, minutes, repeat }: Meeting): Generator<Slot> {
  const first = toMinutes(new Date(start));
  for (let i = 0; i < (repeat?.count ?? 1); i++) {
    const begin = first + i * (repeat?.everyDays ?? 0) * DAY;
    yield [begin, begin + minutes];
  }
}

function merge(slots: Slot[]): Slot[] {
  return slots
    .toSorted(([a], [b]) => a - b)
    .reduce<Slot[]>((merged, [start, end]) => {
      const last = merged.at(-1);
      if (last && start <= last[1]) last[1] = Math.max(last[1], end);
      else merged.push([start, end]);
      return merged;
    }, []);
}

function gaps(busy: Slot[], [from, to]: Slot, atLeast: Minutes): Slot[] {
  const free: Slot[] = [];
  let at = from;
  for (const [start, end] of [...busy, [to, to] as Slot]) {
    if (Math.min(start, to) - at >= atLeast) free.push([at, Math.min(start, to)]);
    at = Math.max(at, end);
  }
  return free;
}

function weekday(date: Date): Weekday | "weekend" {
  return WEEKDAYS[date.getUTCDay() - 1] ?? "weekend";
}

const meetings: Meeting[] = input.meetings;
const slots = meetings.flatMap((m) => [...occurrences(m)]);
const busy = merge(slots);
const midnight = toMinutes(new Date(`${input.day}T00:00:00Z`));
const free = gaps(busy, [midnight + 9 * 60, midnight + 17 * 60], input.minutes);

for (const [start, end] of free) {
  console.log(`Free: ${clock(start)}-${clock(end)}`);
}

const conflicts: [string, string][] = [];
for (const [i, a] of meetings.entries()) {
  for (const b of meetings.slice(i + 1)) {
    const overlap = [...occurrences(a)].some(([s1, e1]) => [...occurrences(b)].some(([s2, e2]) => s1 < e2 && s2 < e1));
    if (overlap) conflicts.push([a.title, b.title]);
  }
}

const perDay = slots.reduce<Partial<Record<Weekday | "weekend", number>>>((counts, [start]) => {
  const day = weekday(fromMinutes(start));
  return { ...counts, [day]: (counts[day] ?? 0) + 1 };
}, {});

const result = await Promise.resolve({
  first: fromMinutes(Math.min(...slots.map(([s]) => s))),
  free: free.map(([s, e]) => `${clock(s)}-${clock(e)}`),
  busyMinutes: busy.reduce((sum, [s, e]) => sum + e - s, 0),
  conflicts,
  perDay,
  next: fromMinutes(free[0]![0]) as Date,
});
