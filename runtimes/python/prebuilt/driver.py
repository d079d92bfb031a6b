"""Runs a document of run in a Python that others have compiled: a WASI command
that takes this program on its stdin. The answer goes to stdout, what code prints
to stderr. There are no functions of the host here: what needs them fails."""

import importlib.machinery
import importlib.util
import os
import sys
import types

_UNAVAILABLE = -5
_EMPTY = {"log", "progress", "fail"}


class Sources:
    """The package graflow, from its sources by module name."""

    def __init__(self, sources):
        self.sources = sources

    def find_spec(self, name, path=None, target=None):
        if name not in self.sources:
            return None
        return importlib.util.spec_from_loader(name, self, is_package=name == "graflow")

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        name = module.__spec__.name
        exec(compile(self.sources[name], f"<frozen {name}>", "exec"), module.__dict__)


def host(document, answer):
    """The module _graflow: the host's functions, of which there are none."""
    module = types.ModuleType("_graflow")
    functions = """log progress fail meta result_get channel_get channel_set channel_delete channel_append
        channel_prepend channel_add channel_keys next_task next_iteration terminate cancel checkpoint
        checkpoint_as pause secret_get http_request tool_call tool_calls"""
    for name in functions.split():
        setattr(module, name, _log if name == "log" else lambda *args, code=None if name in _EMPTY else _UNAVAILABLE: code)
    module.input_read = lambda: document
    module.output_write = lambda data: answer.append(data) or 0
    module.plain_json = lambda value: None
    module.environ = lambda: {os.fsencode(key): os.fsencode(value) for key, value in variables.items()}
    variables = dict(os.environ)
    return module


def _log(level, text):
    sys.stderr.write(text.decode() + "\n")


def start(sources, document):
    sources = {**sources, "asyncio.unix_events": b"__all__ = ()"}  # its own need sockets
    answer, out = [], sys.stdout
    sys.modules["_graflow"] = host(document, answer)
    sys.meta_path.insert(0, Sources(sources))
    sys.stdout = open(2, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False)
    from graflow import _host, _start

    _host.KINDS[_UNAVAILABLE] = (
        "unavailable",
        "not offered by the prebuilt Python; the one with tools and ctx needs a compiler: see runtimes/README.md",
    )
    code = _start.run()
    out.buffer.write(b"".join(answer))
    out.flush()
    sys.stderr.flush()
    os._exit(0 if answer else code)
