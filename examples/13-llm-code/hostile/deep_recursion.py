"""Recursion without a bottom, in Python and in C."""
import copy
import json
import sys

outcome = {}


def attempt(name, action):
    try:
        outcome[name] = f"done: {type(action()).__name__}"
    except (RecursionError, MemoryError) as e:
        outcome[name] = type(e).__name__


def down(n=0):
    return down(n + 1)


class Deep:
    def __repr__(self):
        return repr(self)

    def __getattr__(self, name):
        return getattr(self, name + "x")

    def __eq__(self, other):
        return other == self

    __hash__ = None


def nested(kind):
    value = kind()
    for _ in range(10**5):
        value = kind([value])
    return value


attempt("call", down)
attempt("repr", lambda: repr(Deep()))
attempt("attribute", lambda: Deep().x)
attempt("compare", lambda: Deep() == Deep())
attempt("json", lambda: json.dumps(nested(list)))
attempt("loads", lambda: json.loads("[" * 10**5 + "]" * 10**5))
attempt("isinstance", lambda: isinstance("x", nested(tuple)))
attempt("copy", lambda: copy.deepcopy(nested(list)))
attempt("source", lambda: eval("-" * 10**5 + "1"))
print(outcome)

sys.setrecursionlimit(10**9)
down()
