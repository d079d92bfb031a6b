"""Running code: its namespace, and which value is its result."""

import asyncio
import linecache
import sys
from types import ModuleType

import _ast

_FLAGS = _ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
_LAST = "_graflow_last"
_COROUTINE = 0x80  # inspect.CO_COROUTINE
_NOTHING = object()

_session = None


def namespace(file, keep):
    """The globals of code: those of the session if it is one, else new ones."""
    global _session
    if keep and _session is not None:
        return _session
    module = ModuleType("__main__")
    module.__file__ = file
    module.__builtins__ = sys.modules["builtins"]
    sys.modules["__main__"] = module
    _session = module.__dict__ if keep else None
    return module.__dict__


def parse(source, file):
    """The code object of source, and whether it calls main by itself. It fails
    with SyntaxError and its like."""
    linecache.cache[file] = (len(source), None, source.splitlines(True), file)
    tree = compile(source, file, "exec", _FLAGS | _ast.PyCF_ONLY_AST, True, 0)
    calls = _calls_main(tree)
    _keep_last(tree.body)
    return compile(tree, file, "exec", _FLAGS, True, 0), calls


def _keep_last(body):
    """Has the value of the last statement kept if it is an expression, also in
    an if: the usual place of main() is below if __name__ == "__main__"."""
    if not body:
        return
    last = body[-1]
    if isinstance(last, _ast.If):
        _keep_last(last.body)
        _keep_last(last.orelse)
    elif isinstance(last, _ast.Expr):
        place = {key: getattr(last, key) for key in ("lineno", "col_offset", "end_lineno", "end_col_offset")}
        target = _ast.Name(_LAST, _ast.Store(), **place)
        body[-1] = _ast.Assign([target], last.value, None, **place)


def _calls_main(tree):
    """Tells whether code outside of functions and classes calls main."""
    apart = (_ast.FunctionDef, _ast.AsyncFunctionDef, _ast.ClassDef, _ast.Lambda)
    if not any(isinstance(part, apart[:2]) and part.name == "main" for part in tree.body):
        return False
    todo = list(tree.body)
    while todo:
        part = todo.pop()
        if isinstance(part, _ast.Call) and isinstance(part.func, _ast.Name) and part.func.id == "main":
            return True
        if isinstance(part, apart):
            continue
        for field in part._fields:
            value = getattr(part, field, None)
            if isinstance(value, list):
                todo += [each for each in value if isinstance(each, _ast.AST)]
            elif isinstance(value, _ast.AST):
                todo.append(value)
    return False


def execute(code, calls_main, names, loop):
    """Runs code and answers its value: what it assigned to result, else what main
    returns, else the last expression's. In a session only what this code did
    counts, not what is left from before."""
    before = names.get("result", _NOTHING), names.get("main", _NOTHING)
    names.pop(_LAST, None)
    outcome = eval(code, names)
    if code.co_flags & _COROUTINE:
        loop.run_until_complete(outcome)
    last = names.pop(_LAST, None)
    result = names.get("result", _NOTHING)
    if result is not _NOTHING and result is not before[0]:
        return result
    main = names.get("main", _NOTHING)
    if callable(main) and main is not before[1] and not calls_main:
        last = _call_main(main, names["input"])
    if asyncio.iscoroutine(last):
        last = loop.run_until_complete(last)
    return last


def _call_main(main, value):
    return main(value) if _takes_argument(main) else main()


def _takes_argument(function):
    code = getattr(getattr(function, "__func__", function), "__code__", None)
    if code is None:
        return True
    count = code.co_argcount - (1 if hasattr(function, "__func__") else 0)
    return count > 0 or bool(code.co_flags & 0x04)  # inspect.CO_VARARGS
