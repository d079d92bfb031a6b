package runtimes_test

import "testing"

// TestPythonPlain wants the writer of plain values to write what json.dumps does, of values
// by chance, and to leave all others.
func TestPythonPlain(t *testing.T) {
	t.Parallel()
	got := run(t, `
import json, random
from _graflow import plain_json

chance = random.Random(5)
chars = [chr(c) for c in range(130)] + ["é", "\u2028", "😀"]
scalars = [None, True, False, 0, -1, 2**63 - 1, -2**63, 2**63, -2**63 - 1, 10**40, 0.0, -0.0, 1.0, 1e16, 1e-7,
    5e-324, 1.7976931348623157e308, float("nan"), float("-inf"), "\ud800"]

def text(): return "".join(chance.choices(chars, k=chance.randrange(6)))

def value(depth):
    match chance.randrange(8 if depth < 4 else 4):
        case 0: return chance.choice(scalars)
        case 1: return chance.random() * 10 ** chance.randrange(-300, 300)
        case 2: return chance.randrange(-10**6, 10**6)
        case 3: return text()
        case 4: return tuple(value(depth + 1) for _ in range(chance.randrange(4)))
        case 5 | 6: return [value(depth + 1) for _ in range(chance.randrange(4))]
    return {text(): value(depth + 1) for _ in range(chance.randrange(4))}

def is_plain(v):
    match v:
        case bool(): return True
        case int(): return -2**63 <= v < 2**63
        case float(): return v - v == 0
        case str(): return "\ud800" not in v
        case list() | tuple(): return all(map(is_plain, v))
        case dict(): return all(map(is_plain, v.values()))
    return True

wrong, plain = [], 0
for _ in range(5000):
    v = value(0)
    want = json.dumps(v, ensure_ascii=False, separators=(",", ":")).encode() if is_plain(v) else None
    plain += want is not None
    if plain_json(v) != want:
        wrong.append(repr(v))
deep = []
for _ in range(300):
    deep = [deep]
class Text(str): pass
for v in deep, {1: 2}, Text("x"), [b"x"], {Text("x"): 1}:
    if plain_json(v) is not None:
        wrong.append(repr(v))
[wrong[:3], plain > 1000, plain < 5000]`)
	wantValue(t, got, `[[],true,true]`)
}
