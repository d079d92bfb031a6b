// The guest of 15-polyglot in AssemblyScript: it finds the coldest and the warmest day.
import { Value, describe, done, input } from "graflow";

export { graflow_describe } from "graflow";

describe("extremes", "finds the coldest and the warmest day of each series, from 1");
export function extremes(): i32 {
  const out = Value.object();
  const all = input();
  for (let i = 0; i < all.items.length; i++) {
    const values = all.at(i).get("values");
    let cold = 0;
    let warm = 0;
    for (let day = 1; day < values.items.length; day++) {
      const value = values.at(day).asFloat();
      if (value < values.at(cold).asFloat()) cold = day;
      if (value > values.at(warm).asFloat()) warm = day;
    }
    const found = Value.object();
    found.set("coldest", Value.of(cold + 1)).set("warmest", Value.of(warm + 1));
    out.set(all.at(i).get("station").asString(), found);
  }
  return done(out);
}
