"""Many ways to want all memory; the last one takes it for good."""
import zlib

outcome = {}


def attempt(name, action):
    try:
        outcome[name] = len(action())
    except (MemoryError, OverflowError) as e:
        outcome[name] = type(e).__name__


def laughs():
    text = "lol"
    for _ in range(40):
        text = text * 10
    return text


def zip_bomb():
    packer = zlib.compressobj(9)
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(80)) + packer.flush()
    return zlib.decompress(bomb)


attempt("string", lambda: "x" * 10**10)
attempt("laughs", laughs)
attempt("list", lambda: [0] * 10**9)
attempt("range", lambda: list(range(10**9)))
attempt("bytes", lambda: bytes(2**31 - 1))
attempt("zip bomb", zip_bomb)
attempt("format", lambda: f"{1:>{2**30}}")
attempt("join", lambda: ("," * 10**6).join(["y" * 10**6] * 1000))
print(outcome)
assert set(outcome.values()) <= {"MemoryError", "OverflowError"}, outcome

hoard = []
while True:
    hoard.append(bytearray(1 << 20))
