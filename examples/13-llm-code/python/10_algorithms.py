import itertools
import math
import statistics
from fractions import Fraction
from functools import cache, lru_cache, reduce


@lru_cache(maxsize=None)
def edit_distance(a: str, b: str) -> int:
    """Levenshtein distance, recursively with memoization."""
    if not a or not b:
        return len(a) + len(b)
    if a[0] == b[0]:
        return edit_distance(a[1:], b[1:])
    return 1 + min(edit_distance(a[1:], b), edit_distance(a, b[1:]), edit_distance(a[1:], b[1:]))


@cache
def fib(n: int) -> int:
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def knapsack(items: list[tuple[str, int, int]], capacity: int) -> tuple[int, list[str]]:
    """0/1 knapsack by dynamic programming: the best value and what to take."""
    best = [[0] * (capacity + 1) for _ in range(len(items) + 1)]
    for i, (_, weight, value) in enumerate(items, 1):
        for c in range(capacity + 1):
            best[i][c] = best[i - 1][c]
            if weight <= c:
                best[i][c] = max(best[i][c], best[i - 1][c - weight] + value)
    chosen, c = [], capacity
    for i in range(len(items), 0, -1):
        if best[i][c] != best[i - 1][c]:
            chosen.append(items[i - 1][0])
            c -= items[i - 1][1]
    return best[-1][capacity], chosen[::-1]


def determinant(matrix: list[list[int]]) -> Fraction:
    """Gaussian elimination with exact fractions."""
    m = [[Fraction(x) for x in row] for row in matrix]
    det = Fraction(1)
    for i in range(len(m)):
        pivot = next((r for r in range(i, len(m)) if m[r][i]), None)
        if pivot is None:
            return Fraction(0)
        if pivot != i:
            m[i], m[pivot] = m[pivot], m[i]
            det = -det
        det *= m[i][i]
        for r in range(i + 1, len(m)):
            factor = m[r][i] / m[i][i]
            m[r] = [a - factor * b for a, b in zip(m[r], m[i])]
    return det


def queens(n: int):
    """Yield all solutions of the n queens problem."""
    for columns in itertools.permutations(range(n)):
        if len({c + r for r, c in enumerate(columns)}) == n == len({c - r for r, c in enumerate(columns)}):
            yield columns


def sieve(limit: int) -> list[int]:
    flags = bytearray([1]) * (limit + 1)
    flags[:2] = b"\0\0"
    for i in range(2, math.isqrt(limit) + 1):
        if flags[i]:
            flags[i * i::i] = bytes(len(range(i * i, limit + 1, i)))
    return [i for i, f in enumerate(flags) if f]


solutions = list(queens(6))
primes = sieve(10_000)
value, chosen = knapsack([("map", 9, 150), ("water", 153, 200), ("tent", 200, 150), ("glucose", 15, 60)], 220)

result = {
    "edit_distance": edit_distance("kitten sitting", "sitting kitten"),
    "fib_90": fib(90),
    "knapsack": {"value": value, "items": chosen},
    "determinant": determinant([[2, 0, 1, 3], [1, 1, 0, 2], [0, 3, 1, 1], [4, 1, 2, 0]]),
    "inverse_sum": sum(Fraction(1, n) for n in range(1, 11)),
    "queens": len(solutions),
    "first": solutions[0],
    "primes": [len(primes), primes[-1]],
    "lcm": reduce(math.lcm, range(1, 21)),
    "transpose": list(map(list, zip(*[[1, 2, 3], [4, 5, 6]]))),
    "stdev": round(statistics.stdev([2, 4, 4, 4, 5, 5, 7, 9]), 6),
    "regression": statistics.linear_regression([1, 2, 3, 4], [2.0, 4.5, 6.0, 8.5]),
    "runs": [(k, len(list(g))) for k, g in itertools.groupby("aaabccddd")],
    "windows": [sum(w) for w in itertools.pairwise([1, 4, 9, 16])],
    "digits_of_2_1000": sum(int(d) for d in str(2**1000)),
    "unordered": {3, 1, 2},
}
print(f"{len(solutions)} solutions for 6 queens, {len(primes):,} primes below 10,000")
