"""Calls of the host: its codes as exceptions, its documents as values."""

import sys

import _graflow

from graflow import _values


class HostError(Exception):
    """The host refused a call. kind tells why; see graflow.KINDS."""

    def __init__(self, kind, message):
        super().__init__(message)
        self.kind = kind


KINDS = {
    -1: ("not_found", "not found"),
    -2: ("denied", "not granted to this code"),
    -3: ("invalid", "the host refuses a value of this form or type"),
    -4: ("too_large", "a limit of this code is used up"),
    -5: ("unavailable", "not offered where this code runs"),
    -6: ("unreachable", "no proper answer; the log says why"),
}


def flush():
    """Writes out what was printed, so that it stands before what the host logs.
    The streams may be code's own, and raise whatever they like."""
    try:
        sys.stdout.flush()
    except BaseException:
        pass
    try:
        sys.stderr.flush()
    except BaseException:
        pass


def ask(what, name, *texts):
    """Calls the host's function and answers what it answers. what is for the
    error's message."""
    flush()
    answer = getattr(_graflow, name)(*texts)
    if type(answer) is int and answer < 0:
        raise _refusal(what, answer)
    return answer


def _refusal(what, code):
    kind, text = KINDS.get(code, ("error", f"code {code}"))
    return HostError(kind, f"{what}: {text}")


def ask_value(what, name, *texts):
    """The same for functions that answer with JSON."""
    return _values.loads(ask(what, name, *texts))


def ask_tools(what, document):
    """The document of answers to that of calls of tools; what() is for the error's
    message."""
    flush()
    answer = _tool_calls(document)
    if type(answer) is int:
        raise _refusal(what(), answer)
    return answer


_tool_calls = _graflow.tool_calls
