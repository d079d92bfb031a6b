"""Files that were written and not closed are flushed when the code has ended;
without that, what is left in their buffers would be lost."""

import builtins
import io
import weakref

_open = io.open
_written = []


class Open:
    """The function open. Like the one of C it is no method where it is a class's
    attribute, which a function of Python would be."""

    __slots__ = ()
    __doc__ = _open.__doc__
    __name__ = __qualname__ = "open"

    def __call__(self, file, mode="r", *args, **named):
        opened = _open(file, mode, *args, **named)
        if mode != "r" and mode != "rb":
            _written.append(weakref.ref(opened))
        return opened

    def __repr__(self):
        return repr(_open)


def install():
    builtins.open = io.open = Open()


def flush():
    for each in _written:
        opened = each()
        if opened is not None and not opened.closed:
            opened.flush()
    _written.clear()
