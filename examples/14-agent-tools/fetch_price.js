// A shop that is busy: every price takes two attempts.
import fs from "graflow:fs";

export default function main({ sku }) {
  if (ctx.attempt === 1) {
    ctx.fail("unavailable", "the shop is busy");
  }
  const prices = JSON.parse(fs.readFile("/catalog/prices.json", "utf8"));
  if (!(sku in prices)) {
    throw new RangeError(`the shop has no ${sku}`);
  }
  fs.writeFile(`/ledger/price-${crypto.randomUUID()}.txt`, `${ctx.run} fetch_price ${sku}\n`);
  return prices[sku];
}
