// The task of 15-polyglot in TypeScript: spells of frost and of heat.
interface Series {
  station: string;
  values: number[];
}

type Kind = "frost" | "heat";
type Spell = { station: string; kind: Kind; from: number; days: number };

const kindOf = (t: number): Kind | null => (t < 0 ? "frost" : t >= 20 ? "heat" : null);

function* spells({ station, values }: Series): Generator<Spell> {
  let open: Spell | null = null;
  for (const [i, value] of values.entries()) {
    const kind = kindOf(value);
    if (open && kind !== open.kind) {
      yield open;
      open = null;
    }
    if (kind) open = { ...(open ?? { station, kind, from: i + 1 }), days: (open?.days ?? 0) + 1 };
  }
  if (open) yield open;
}

export default function main(input: readonly Series[]): Spell[] {
  return input.flatMap((series) => [...spells(series)]).filter(({ days }) => days >= 3);
}
