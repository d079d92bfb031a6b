"""The task of 15-polyglot in Python: means and spread."""
import statistics
from dataclasses import dataclass


@dataclass
class Summary:
    mean: float
    deviation: float
    quartiles: list[float]


def main(input):
    return {
        series["station"]: Summary(
            round(statistics.fmean(series["values"]), 2),
            round(statistics.stdev(series["values"]), 2),
            [round(q, 2) for q in statistics.quantiles(series["values"], n=4)],
        )
        for series in input
    }
