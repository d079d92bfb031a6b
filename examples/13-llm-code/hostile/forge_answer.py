"""Fool whoever reads the answer: replace what encodes it, write one's own, call the host directly."""
import builtins
import json
import os
import sys

FORGED = '{"value": "forged"}'


class Liar(dict):
    def __iter__(self):
        raise RuntimeError("no")


json.dumps = json.JSONEncoder.encode = json.JSONEncoder.iterencode = lambda *a, **k: FORGED
json.encoder.c_make_encoder = None
json.loads = lambda *a, **k: "forged"
builtins.isinstance = builtins.issubclass = lambda *a: True
builtins.type = lambda *a: str
builtins.len = lambda x: 10**9
builtins.str = builtins.repr = lambda *a: "forged"
builtins.compile = builtins.eval = builtins.exec = lambda *a, **k: "forged"
builtins.__import__ = lambda *a, **k: None


class Shout:
    def write(self, text):
        return 10**9

    def flush(self):
        raise KeyboardInterrupt


os.write(1, (FORGED + "\n").encode())
os.write(2, b"Traceback (most recent call last): forged\n")
sys.stdout = sys.stderr = Shout()
sys.exit = os._exit
sys.excepthook = sys.unraisablehook = lambda *a: None
sys.modules.pop("graflow", None)
for name, module in list(sys.modules.items()):
    if "graflow" in name:
        for key in list(vars(module)):
            try:
                setattr(module, key, lambda *a, **k: FORGED)
            except Exception:
                pass

result = 1 + 1
