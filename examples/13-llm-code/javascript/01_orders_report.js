// Group orders by customer and compute totals

/**
 * Groups an array of objects by the result of a key function.
 * @param {Array<object>} items
 * @param {(item: object) => string} keyFn
 * @returns {Record<string, object[]>}
 */
function groupBy(items, keyFn) {
  return items.reduce((groups, item) => {
    const key = keyFn(item);
    (groups[key] ||= []).push(item);
    return groups;
  }, {});
}

const { orders, customers } = input;
const names = new Map(customers.map(({ id, name }) => [id, name]));

const report = Object.entries(groupBy(orders, (o) => o.customerId))
  .map(([id, list]) => {
    const total = list.reduce((sum, { qty, price }) => sum + qty * price, 0);
    return {
      customer: names.get(Number(id)) ?? "unknown",
      orders: list.length,
      total: Math.round(total * 100) / 100,
      average: Number((total / list.length).toFixed(2)),
    };
  })
  .sort((a, b) => b.total - a.total || a.customer.localeCompare(b.customer));

console.log("Customer".padEnd(12) + "Orders".padStart(8) + "Total".padStart(10));
for (const { customer, orders, total } of report) {
  console.log(`${customer.padEnd(12)}${String(orders).padStart(8)}${total.toFixed(2).padStart(10)}`);
}
console.log("Top:", report[0]);
console.log(JSON.stringify({ count: report.length, open: orders.some((o) => !o.paid) }, null, 2));

const result = { report, grandTotal: report.reduce((s, r) => s + r.total, 0) };
