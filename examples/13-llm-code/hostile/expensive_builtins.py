"""One call into C that would take years: no line of Python runs meanwhile."""
import re
import sys

sys.set_int_max_str_digits(0)
work = {
    "power": lambda: 10**10**8,
    "sum": lambda: sum(range(10**12)),
    "regex": lambda: re.match(r"(a+)+$", "a" * 64 + "b"),
    "digits": lambda: str(7 ** 10**6 * 3 ** 10**6),
    "contains": lambda: -1 in range(0, 10**15, 3).__iter__(),
    "replace": lambda: [("a" * 10**6).replace("a" * 500 + "b", "") for _ in range(10**6)],
}
print("start")
work[input]()
print("never printed")
