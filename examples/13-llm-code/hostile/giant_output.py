"""Bury the host in text: printed, raised, and at last returned."""
import sys

line = "A" * 1023
for _ in range(20_000):
    print(line)
    print(line, file=sys.stderr)
try:
    raise ValueError("B" * 10**7)
except ValueError as e:
    sys.stderr.write(str(e))

result = ["C" * 2**20] * 32
