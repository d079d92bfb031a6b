import re
import statistics
from collections import Counter
from typing import Any, Iterator

LOG_PATTERN = re.compile(
    r"""
    ^(?P<ip>\d{1,3}(?:\.\d{1,3}){3})\s+\S+\s+(?P<user>\S+)\s+
    \[(?P<time>[^\]]+)\]\s+
    "(?P<method>[A-Z]+)\s+(?P<path>\S+)\s+HTTP/[\d.]+"\s+
    (?P<status>\d{3})\s+(?P<size>\d+|-)\s+(?P<ms>\d+(?:\.\d+)?)ms$
    """,
    re.VERBOSE,
)


def parse_lines(text: str) -> Iterator[dict[str, Any]]:
    """Yield one dictionary per valid log line and skip everything else."""
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        match = LOG_PATTERN.match(line)
        if match is None:
            print(f"Skipping malformed line {number}: {line!r}")
            continue
        entry = match.groupdict()
        entry["status"] = int(entry["status"])
        entry["size"] = 0 if entry["size"] == "-" else int(entry["size"])
        entry["ms"] = float(entry["ms"])
        yield entry


def main(input: dict) -> dict:
    entries = list(parse_lines(input["log"]))
    statuses = Counter(e["status"] // 100 for e in entries)
    slow = sorted(entries, key=lambda e: e["ms"], reverse=True)[:2]
    times = [e["ms"] for e in entries]

    return {
        "requests": len(entries),
        "by_class": {f"{k}xx": v for k, v in sorted(statuses.items())},
        "top_paths": Counter(re.sub(r"/\d+", "/:id", e["path"]) for e in entries).most_common(2),
        "slowest": [{"path": e["path"], "ms": e["ms"]} for e in slow],
        "median_ms": statistics.median(times),
        "p90_ms": statistics.quantiles(times, n=10, method="inclusive")[-1],
        "bytes": sum(e["size"] for e in entries),
        "users": sorted({e["user"] for e in entries if e["user"] != "-"}),
    }
