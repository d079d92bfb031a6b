import csv
import io
from collections import defaultdict


def load_rows(text: str) -> list[dict]:
    """Parse the CSV text into a list of dictionaries with typed values."""
    reader = csv.DictReader(io.StringIO(text))
    rows = []
    for row in reader:
        rows.append({
            "date": row["date"].strip(),
            "region": row["region"].strip().title(),
            "product": row["product"].strip(),
            "units": int(row["units"]),
            "price": float(row["price"]),
        })
    return rows


def pivot_revenue(rows: list[dict]) -> dict[str, dict[str, float]]:
    """Return {region: {month: revenue}} with rounded totals."""
    table: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for row in rows:
        month = row["date"][:7]
        table[row["region"]][month] += row["units"] * row["price"]
    return {
        region: {month: round(total, 2) for month, total in sorted(months.items())}
        for region, months in sorted(table.items())
    }


rows = load_rows(input["csv"])
pivot = pivot_revenue(rows)

# Pretty-print the pivot table
months = sorted({m for region in pivot.values() for m in region})
print(f"{'Region':<10}" + "".join(f"{m:>12}" for m in months))
for region, values in pivot.items():
    print(f"{region:<10}" + "".join(f"{values.get(m, 0):>12,.2f}" for m in months))

best_region = max(pivot, key=lambda r: sum(pivot[r].values()))
print(f"\nBest region: {best_region}")

result = {"pivot": pivot, "best_region": best_region, "rows": len(rows)}
