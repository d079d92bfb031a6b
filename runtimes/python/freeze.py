"""Compiles the standard library and the package graflow into frozen modules.

    freeze.py LIB OVERLAY GRAFLOW ZONES OUT

LIB is the standard library. A file of OVERLAY takes the place of the one of the
same name in it; "NAME.after.py" is put at the end of NAME.py. GRAFLOW is the
package graflow. ZONES is the directory of time zones. OUT gets frozen.bin, all code one after the other, and frozen.c,
the table. The same input gives the same bytes.
"""

import marshal
import pathlib
import sys
from types import CodeType

# Not in the sandbox: what needs parts that are missing there, and what is for
# developers of Python.
LEFT_OUT = """
    __phello__ _aix_support _android_support _apple_support _ios_support _osx_support
    _pyrepl _sysconfigdata antigravity ctypes curses dbm ensurepip idlelib lib2to3
    multiprocessing pty pydoc_data sqlite3 ssl test this tkinter tty turtle turtledemo
    venv webbrowser xmlrpc pydoc pip wsgiref imaplib poplib ftplib smtplib
    concurrent.futures.process msvcrt nturl2path _pydatetime _pydecimal
    unittest.test encodings.mbcs encodings.oem asyncio.windows_events
    asyncio.windows_utils asyncio.proactor_events asyncio.selector_events _pylong_ lzma bz2
""".split()


def left_out(name):
    return any(name == out or name.startswith(out + ".") for out in LEFT_OUT)


def modules(root, prefix=""):
    """Yields (name, file, is_package) of the modules below root."""
    for path in sorted(root.rglob("*.py")):
        parts = list(path.relative_to(root).with_suffix("").parts)
        if parts[0] == "graflow" or path.name.endswith(".after.py"):
            continue
        is_package = parts[-1] == "__init__"
        if is_package:
            parts.pop()
        if parts and all(part.isidentifier() for part in parts):
            yield ".".join([prefix, *parts] if prefix else parts), path, is_package


def compiled(name, source, optimize):
    code = compile(source, f"<frozen {name}>", "exec", dont_inherit=True, optimize=optimize)
    # Once more, so that which objects are shared follows from the code alone.
    texts, names = {}, set()
    return marshal.dumps(_own(marshal.loads(marshal.dumps(code)), texts, names))


def _own(value, texts, names):
    """The same constant with strings of its own. Those that this process happens to
    use too would be marked as shared and interned; what it uses depends on what it
    found compiled. All that texts and names hold are marked as shared."""
    if isinstance(value, str) and len(value) > 1:
        return texts.setdefault(value, value.encode("utf-8", "surrogatepass").decode("utf-8", "surrogatepass"))
    if isinstance(value, tuple):
        return tuple(_own(each, texts, names) for each in value)
    if isinstance(value, frozenset):
        return frozenset(_own(each, texts, names) for each in value)
    if not isinstance(value, CodeType):
        return value
    names.update((value.co_name, value.co_qualname), value.co_names)
    names.update(value.co_varnames, value.co_cellvars, value.co_freevars)
    return value.replace(co_consts=_own(value.co_consts, texts, names))


def collect(lib, overlay, graflow):
    found = {name: (path, package) for name, path, package in modules(lib) if not left_out(name)}
    found |= {name: (path, package) for name, path, package in modules(overlay)}
    found |= {name: (path, package) for name, path, package in modules(graflow, "graflow")}
    found["graflow"] = (graflow / "__init__.py", True)
    return found


def source_of(name, path, overlay):
    source = path.read_bytes()
    after = overlay / (name.replace(".", "/") + ".after.py")
    return source + b"\n" + after.read_bytes() if after.exists() else source


def zones(root):
    """The source of graflow._zones: the time zones by name."""
    found = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_file() and name[0].isupper() and (data := path.read_bytes())[:4] == b"TZif":
            found[name] = data
    return f"ZONES = {found!r}\n".encode()


def main(lib, overlay, graflow, zone_root, out):
    lib, overlay, graflow, zone_root, out = map(pathlib.Path, (lib, overlay, graflow, zone_root, out))
    blob, rows = bytearray(), []
    found = collect(lib, overlay, graflow)
    sources = {name: (source_of(name, path, overlay), package) for name, (path, package) in found.items()}
    sources["graflow._zones"] = zones(zone_root), False
    for name, (source, package) in sorted(sources.items()):
        code = compiled(name, source, 2)
        rows.append(f'    {{"{name}", blob + {len(blob)}, {len(code)}, {int(package)}}},')
        blob += code
    (out / "frozen.bin").write_bytes(blob)
    (out / "frozen.c").write_text(
        '#include "frozen.h"\n\n'
        "static const unsigned char blob[] = {\n#embed \"frozen.bin\"\n};\n\n"
        "const struct _frozen graflow_frozen[] = {\n" + "\n".join(rows) + "\n    {0, 0, 0, 0},\n};\n"
    )
    print(f"{len(rows)} modules, {len(blob)} bytes")


if __name__ == "__main__":
    main(*sys.argv[1:])
