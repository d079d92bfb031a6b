"""What the C part calls: run for a task, warm_up before the snapshot."""

import asyncio
import builtins
import gc
import linecache
import os
import random
import sys

import _graflow

import graflow
from graflow import _context, _errors, _files, _host, _loop, _missing, _program, _tools, _values

_loop_of_session = None


def run():
    """Runs the document that the host gives; answers what the export returns."""
    data = _graflow.input_read()
    try:
        document = _values.plain_loads(data)
        code = document["code"]
        if type(code) is not str:
            raise TypeError("code is not a string")
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        _graflow.fail("invalid_input", f"not a document of run: {error}", 1)
        return 1
    if b'"$' in data:
        document["input"] = _values.loads(data).get("input")
    del data
    return _answer(_attempt(code, document))


def _attempt(source, document):
    """The answer of running source: (value document, None) or (None, exception)."""
    file = document.get("file") or "main.py"
    try:
        _prepare(file, document)
        try:
            code, calls_main = _program.parse(source, file)
        except (SyntaxError, ValueError, OverflowError, RecursionError) as error:
            return None, _errors.syntax(error, file), None
        return _execute(code, calls_main, file, document)
    except MemoryError as error:
        return None, _errors.describe(error, file), None


def _execute(code, calls_main, file, document):
    keep = bool(document.get("keep"))
    names = _program.namespace(file, keep)
    names |= _globals(document)
    loop = _event_loop(keep)
    try:
        value = _program.execute(code, calls_main, names, loop)
        if not keep:
            _loop.finish(loop)
        return _values.dumps(value), None, None
    except BaseException as error:
        if isinstance(error, SystemExit) and error.code in (None, 0, False):
            return _exited(names, file)
        if isinstance(error, SystemExit) and isinstance(error.code, str):
            print(error.code, file=sys.stderr)
        failure = error if isinstance(error, _errors.Failure) else None
        return None, _errors.describe(error, file), failure


def _exited(names, file):
    try:
        return _values.dumps(names.get("result")), None, None
    except _values.InvalidValue as error:
        return None, _errors.describe(error, file), None


def _prepare(file, document):
    random.seed(os.urandom(32))
    os.environ.clear()
    for key, value in _graflow.environ().items():
        os.environ[os.fsdecode(key)] = os.fsdecode(value)
    _enter_tmp()
    sys.path[:] = document.get("path") or []
    sys.path_importer_cache.clear()
    sys.argv[:] = [file, *(document.get("argv") or [])]


def _enter_tmp():
    """Relative paths are below /tmp. A session stays where its code went."""
    if os.getcwd() == "/":
        try:
            os.chdir("/tmp")
        except OSError:
            pass  # no directory was granted there


def _globals(document):
    """The names that code finds. They are set anew for every cell of a session."""
    graflow.input = document.get("input")
    graflow.ctx = _context.Context(document.get("meta"))
    graflow.tools = _tools.Tools(document.get("tools") or ())
    names = {name: graflow.tools[name] for name in graflow.tools if name.isidentifier()}
    names |= {"input": graflow.input, "ctx": graflow.ctx, "tools": graflow.tools, "ToolError": _tools.ToolError}
    return names


def _event_loop(keep):
    global _loop_of_session
    if _loop_of_session is None or _loop_of_session.is_closed():
        _loop_of_session = asyncio.new_event_loop()
    asyncio.set_event_loop(_loop_of_session)
    return _loop_of_session


def _answer(outcome):
    value, error, failure = outcome
    try:
        _files.flush()
    except OSError as lost:
        print(f"a file could not be written: {lost}", file=sys.stderr)
    _host.flush()
    if error is None:
        _graflow.output_write(b'{"value":' + value + b"}")
        return 0
    _graflow.output_write(b'{"error":' + _values.dumps(error) + b"}")
    if failure is None:
        return 0
    _graflow.fail(failure.kind.encode("utf-8", "replace"), failure.message.encode("utf-8", "replace"), failure.flags())
    return 1


_SAMPLE = '''
import json, math, re
from dataclasses import dataclass

@dataclass
class Point:
    x: int
    y: float = 1.5

def main(value):
    found = [Point(i).y + math.sqrt(i) for i in range(20)]
    text = json.dumps({"a": found, "b": [str(v) for v in found], "c": None})
    parts = re.sub(r"[0-9]+", "#", text).split(",")
    total = {}
    for part in sorted(parts, key=len):
        total[part] = total.get(part, 0) + len(part.strip())
    try:
        raise ValueError("sample")
    except ValueError as error:
        total["error"] = f"{error!r:>20}"
    return {"total": total, "value": json.loads(text), "input": value}
'''


def warm_up():
    """Leaves caches warm, and everything there is out of the collector's way."""
    from graflow import _preload

    for _ in range(3):
        for source in (_SAMPLE, _SAMPLE + "\nresult = main({'a': 1.5})[0]", "x = (1"):
            _attempt(source, {"input": {"a": [1, 2.5, "x"]}})
    sys.modules.pop("__main__", None)
    _program._session = None
    linecache.clearcache()
    gc.collect()
    gc.freeze()


def _set_recursion_limit(limit, /, _set=sys.setrecursionlimit, _most=250_000):
    """As much recursion as memory is there for: with more, code that recurses for
    ever would end for want of memory, slowly."""
    _set(min(limit, _most))


def _set_up():
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.reconfigure(line_buffering=True, errors="backslashreplace")
    asyncio.set_event_loop_policy(_loop.Policy())
    sys.setrecursionlimit = _set_recursion_limit
    builtins.exit = builtins.quit = sys.exit
    _files.install()
    _missing.install()


_set_up()
