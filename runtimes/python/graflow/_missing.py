"""Modules that are not in the sandbox, and what to use instead. Ones of the same
name in a bundle are found first."""

import sys

_NATIVE = "it needs native code; only pure Python runs here"

REASONS = {
    "_ctypes": "there are no shared libraries",
    "bz2": "use zlib or gzip",
    "ctypes": "there are no shared libraries",
    "curses": "there is no terminal",
    "dbm": "use json or pickle and a file",
    "fcntl": "files can't be locked",
    "lzma": "use zlib or gzip",
    "mmap": "files can't be mapped; read them",
    "multiprocessing": "there are no processes; use asyncio and tools",
    "pty": "there is no terminal",
    "readline": "there is no terminal",
    "requests": "use urllib.request or ctx.http",
    "httpx": "use urllib.request or ctx.http",
    "aiohttp": "use urllib.request or ctx.http",
    "resource": "limits are set from outside",
    "sqlite3": "there is no database here",
    "ssl": "https goes through urllib.request and ctx.http",
    "termios": "there is no terminal",
    "tkinter": "there is no screen",
    "tty": "there is no terminal",
    "webbrowser": "there is no screen",
    "matplotlib": _NATIVE,
    "numpy": _NATIVE,
    "pandas": _NATIVE,
    "PIL": _NATIVE,
    "scipy": _NATIVE,
    "sklearn": _NATIVE,
    "torch": _NATIVE,
}


class Missing:
    """The last finder of sys.meta_path: it knows why there is nothing to find."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        reason = REASONS.get(name)
        if reason is not None:
            raise ModuleNotFoundError(f"{name} is not available in the sandbox: {reason}", name=name)
        return None


def install():
    sys.meta_path.append(Missing)
