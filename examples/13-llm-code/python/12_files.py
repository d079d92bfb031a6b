import csv
import gzip
import json
import logging
import os
import sys
import tempfile
import zipfile
from itertools import groupby
from operator import itemgetter
from pathlib import Path

logging.basicConfig(level=logging.INFO, format="%(levelname)s: %(message)s", stream=sys.stdout)
logger = logging.getLogger(__name__)


def left_join(left: list[dict], right: list[dict], key: str) -> list[dict]:
    """Join two lists of dictionaries on a key, keeping unmatched left rows."""
    index = {row[key]: row for row in right}
    return [{**row, **index.get(row[key], {})} for row in left]


def write_outputs(folder: Path, orders: list[dict]) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    csv_path = folder / "orders.csv"
    with csv_path.open("w", newline="", encoding="utf-8") as f:
        writer = csv.DictWriter(f, fieldnames=sorted({k for o in orders for k in o}), restval="?")
        writer.writeheader()
        writer.writerows(orders)
    logger.info("Wrote %d rows to %s", len(orders), csv_path.name)

    gz_path = csv_path.with_suffix(".csv.gz")
    with gzip.open(gz_path, "wt", encoding="utf-8") as f:
        f.write(csv_path.read_text(encoding="utf-8"))
    zip_path = folder / "all.zip"
    with zipfile.ZipFile(zip_path, "w", zipfile.ZIP_DEFLATED) as z:
        for path in (csv_path, gz_path):
            z.write(path, arcname=path.name)
    return [csv_path, gz_path, zip_path]


customers = [{"customer": 1, "name": "Ada"}, {"customer": 2, "name": "Grace, Rear Admiral"}]
orders = [
    {"order": 10, "customer": 2, "total": 25.5},
    {"order": 11, "customer": 1, "total": 7.25},
    {"order": 12, "customer": 3, "total": 3.0},
    {"order": 13, "customer": 1, "total": 12.75},
]

with tempfile.TemporaryDirectory() as tmp:
    paths = write_outputs(Path(tmp) / "out" / "reports", left_join(orders, customers, "customer"))
    with open(paths[0], encoding="utf-8") as f:
        rows = list(csv.DictReader(f))
    with gzip.open(paths[1], "rt", encoding="utf-8") as f:
        first_line = f.readline().strip()
    with zipfile.ZipFile(paths[2]) as z:
        names = z.namelist()
        size = z.getinfo("orders.csv").file_size
    found = sorted(str(p.relative_to(tmp)) for p in Path(tmp).rglob("*.csv*"))

rows.sort(key=itemgetter("name"))
totals = {name: sum(float(r["total"]) for r in group) for name, group in groupby(rows, key=itemgetter("name"))}
for name, total in totals.items():
    logger.info("%-20s %8.2f", name, total)
logger.debug("this is not shown")

with open("totals.json", "w") as f:
    json.dump(totals, f, indent=2)
with open("totals.json") as f:
    reloaded = json.load(f)
os.remove("totals.json")

result = {
    "totals": totals,
    "reloaded": reloaded == totals,
    "header": first_line,
    "zip": names,
    "size": size,
    "found": found,
    "gone": not os.path.exists(tmp),
    "where": Path("/out") / "reports" / ".." / "orders.csv",
    "json": json.dumps(totals, sort_keys=True, ensure_ascii=False),
}
