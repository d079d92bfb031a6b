"""Error documents: what became of code that failed, in terms of its author's
own files and lines."""

import traceback

from graflow import _values

# Memory to report on errors with when there is no other left.
_reserve = [bytearray(1 << 18)]

_HIDDEN = "<frozen graflow"
_FROZEN = "<frozen "


class Failure(BaseException):
    """What graflow.fail raises. Code that catches Exception does not catch it."""

    def __init__(self, kind, message, permanent, retry_after):
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.permanent = permanent
        self.retry_after = retry_after

    def flags(self):
        return int(self.permanent) | int(self.retry_after * 1000) << 1


# Of these only so much is told.
_MOST_CAUSES = 20
_MOST_FRAMES = 1100  # the innermost; more than there are by default
_MOST_TEXT = 64 << 10


def describe(error, file):
    """The error's document. file is the name of the code."""
    if isinstance(error, SystemError) and str(error) == "error return without exception set":
        # What memory for a frame that was not there looks like.
        error = MemoryError().with_traceback(error.__traceback__)
    if isinstance(error, MemoryError):
        _reserve.clear()
    _cut_causes(error)
    error.__traceback__ = _innermost(error.__traceback__)
    try:
        return _describe(error, file)
    except RecursionError:
        return _plain(error, file, "")


def _describe(error, file):
    if isinstance(error, _values.InvalidValue):
        return _plain(error, file, "")
    full = isinstance(error, MemoryError)
    trace = traceback.TracebackException.from_exception(error, compact=True, limit=-20 if full else None)
    if full:  # by what the frames hold
        traceback.clear_frames(error.__traceback__)
    for part in _chain(trace):
        part.stack = _strip(part.stack)
    text = "".join(trace.format()).rstrip("\n")
    return _plain(error, file, text, trace.stack)


def _cut_causes(error):
    for _ in range(_MOST_CAUSES):
        error = error.__cause__ or error.__context__
        if error is None:
            return
    error.__cause__ = error.__context__ = None


def _innermost(trace):
    """The last frames of a traceback: to look at each of a million takes seconds."""
    depth, each = 0, trace
    while each is not None:
        depth, each = depth + 1, each.tb_next
    for _ in range(depth - _MOST_FRAMES):
        trace = trace.tb_next
    return trace


def _cut(text):
    text = text.encode("utf-8", "backslashreplace").decode()
    if len(text) <= _MOST_TEXT:
        return text
    return text[: _MOST_TEXT // 2] + "\n…\n" + text[-_MOST_TEXT // 2 :]


def _chain(trace):
    todo = [trace]
    while todo:
        part = todo.pop()
        yield part
        todo += [more for more in (part.__cause__, part.__context__, *(part.exceptions or ())) if more]


def _strip(stack):
    """The stack from the first frame of the author's on, without ours."""
    frames = [frame for frame in stack if not frame.filename.startswith(_HIDDEN)]
    while frames and frames[0].filename.startswith(_FROZEN):
        del frames[0]
    return traceback.StackSummary.from_list(frames)


def _plain(error, file, text, stack=()):
    kind, message = _kind(error), _message(error)
    document = {"kind": kind, "type": _cut(type(error).__name__), "message": _cut(message)}
    document |= _place(error, kind, file, stack)
    document["traceback"] = _cut(text)
    return document


def _kind(error):
    if isinstance(error, Failure):
        return error.kind
    if isinstance(error, MemoryError):
        return "memory"
    if isinstance(error, _values.InvalidValue):
        return "invalid_result"
    if isinstance(error, SystemExit):
        return "exit"
    return "exception"


def _message(error):
    if isinstance(error, SystemExit):
        return exit_message(error)
    if isinstance(error, SyntaxError):
        return str(error.msg)
    try:
        text = str(error)
    except Exception as worse:
        return f"<{type(worse).__name__} in its __str__>"
    return text or ("out of memory" if isinstance(error, MemoryError) else "")


def exit_message(error):
    if isinstance(error.code, int):
        return f"exit code {error.code}"
    return f"exit code 1: {error.code}"


def _place(error, kind, file, stack):
    if isinstance(error, SyntaxError) and error.lineno is not None:
        return {"file": error.filename or file, "line": error.lineno, "column": error.offset or 0}
    own = [frame for frame in stack if frame.filename == file]
    own = own or [frame for frame in stack if not frame.filename.startswith(_FROZEN)]
    if not own:
        return {"file": file, "line": 0, "column": 0}
    frame = own[-1]
    return {"file": frame.filename, "line": frame.lineno or 0, "column": (frame.colno or 0) + 1}


def syntax(error, file):
    """The document of source that does not parse."""
    document = describe(error, file)
    document["kind"] = "syntax"
    return document
