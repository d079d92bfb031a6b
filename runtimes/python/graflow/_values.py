"""Values and their JSON. The rules are those of docs/untrusted-code.md, the same
for all languages."""

import base64
import json
from collections import deque
from collections.abc import ItemsView, KeysView, Mapping, ValuesView
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time, timezone
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from array import array
from math import isfinite
from pathlib import PurePath
from uuid import UUID

from _graflow import plain_json

DEEPEST = 1000

# Bound here, so that code may change the module json without harm to its answer. It is
# what JSONEncoder makes anew for each value, but for the search for cycles: what it is
# given has none.
_chunks = json.encoder.c_make_encoder(
    None, json.JSONEncoder().default, json.encoder.c_encode_basestring, None, ":", ",", False, False, True
)
_join = "".join
_decode = json.JSONDecoder().decode
_scan = json.JSONDecoder().scan_once


def _encode(value):
    return _join(_chunks(value, 0))

_SEQUENCES = (list, tuple, set, frozenset, deque, range, array, KeysView, ValuesView, ItemsView)
_TEXTS = (Decimal, Fraction, UUID, PurePath)


class InvalidValue(Exception):
    """A value that has no JSON. It tells where it is, as in "result.items[3]"."""


def loads(data):
    """The value of a document, bytes."""
    text = str(data, "utf-8")
    return _decode_special(text) if b'"$' in data else _decode(text)


def _special(found):
    if len(found) == 1:
        if type(text := found.get("$bytes")) is str:
            try:
                return base64.b64decode(text, validate=True)
            except ValueError:
                return found
        if type(text := found.get("$time")) is str:
            try:
                return datetime.fromisoformat(text)
            except ValueError:
                return found
    return found


_decode_special = json.JSONDecoder(object_hook=_special).decode


def loads_sole(data):
    """The value v of the document [{"value":v}] as a tuple of one; None if it is another
    one, or has special values."""
    if not data.startswith(b'[{"value":') or b'"$' in data:
        return None
    text = str(data, "utf-8")
    value, end = _scan(text, 10)
    return (value,) if end == len(text) - 2 and text.endswith("}]") else None


def plain_loads(data):
    """The value of a document without special values."""
    return _decode(str(data, "utf-8"))


def dumps(value, name="result"):
    """The document of a value, bytes. It fails with InvalidValue; name is what
    the value is called in its message."""
    if (document := plain_json(value)) is not None:
        return document
    value = _convert(value, name)
    try:
        return _join(_chunks(value, 0)).encode()
    except UnicodeEncodeError:
        raise InvalidValue(f"{_surrogate(value, name)} is not valid Unicode: it has a lone surrogate") from None


def _convert(value, name):
    """value with plain values in the place of all others. It works on a list of
    what is to be done, not by recursion: values may be nested deeply."""
    top = []
    todo = [(value, top, None, name, 0, None)]
    while todo:
        value, parent, key, path, depth, above = todo.pop()
        origin, value = value, _scalar(value, path)
        if isinstance(value, (list, dict)):
            _refuse_cycle(origin, above, path)
            if depth >= DEEPEST:
                raise InvalidValue(f"{path[:200]}… is nested more than {DEEPEST} deep")
            above = (id(origin), above, origin)
            value, parts = _open(value, path)
            todo.extend((part, value, at, sub, depth + 1, above) for at, part, sub in parts)
        if key is None:
            parent.append(value)
        else:
            parent[key] = value
    return top[0]


def _refuse_cycle(value, above, path):
    while above is not None:
        if above[0] == id(value):
            raise InvalidValue(f"{path} contains itself")
        above = above[1]


def _open(value, path):
    """An empty container like value, and the parts to fill it with, in reverse
    where the order of filling is that of the result."""
    if isinstance(value, list):
        return [None] * len(value), [(i, part, f"{path}[{i}]") for i, part in enumerate(value)]
    empty = {}
    parts = []
    for key, part in value.items():
        text = _key(key, path)
        if text in empty:
            raise InvalidValue(f"{path} has two keys that are written {text!r}")
        empty[text] = None
        parts.append((text, part, f"{path}.{text}"))
    return empty, parts


def _key(key, path):
    if isinstance(key, Enum):
        key = key.value
    if isinstance(key, str):
        return str(key)
    if key is None or isinstance(key, (bool, int, float)):
        return _encode(key)
    raise InvalidValue(f"{path} has a key of type {_type(key)}; keys are str, int, float, bool or None")


def _scalar(value, path):
    """value as None, bool, int, float, str, or as list or dict of anything."""
    if isinstance(value, Enum):
        value = value.value
    if value is None or value is True or value is False:
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int):
        return _int(value, path)
    if isinstance(value, float):
        if isfinite(value):
            return float(value)
        raise InvalidValue(f"{path} is {value}, which JSON has no number for")
    if isinstance(value, (bytes, bytearray, memoryview)):
        return {"$bytes": base64.b64encode(value).decode()}
    if isinstance(value, datetime):
        return {"$time": _rfc3339(value)} if value.utcoffset() is not None else value.isoformat()
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, _TEXTS):
        return str(value)
    return _container(value, path)


def _int(value, path):
    if -(2**63) <= value < 2**63:
        return int(value)
    raise InvalidValue(f"{path} is an integer of more than 64 bits; make it a str")


def _rfc3339(value):
    if value.utcoffset().total_seconds() % 60:
        value = value.astimezone(timezone.utc)
    text = value.isoformat()
    return text[:-6] + "Z" if text.endswith("+00:00") else text


def _container(value, path):
    if isinstance(value, tuple) and hasattr(type(value), "_fields"):
        return dict(zip(value._fields, value))
    if isinstance(value, list):
        return value
    if isinstance(value, (set, frozenset)):
        try:
            return sorted(value)
        except TypeError:
            return list(value)
    if isinstance(value, _SEQUENCES):
        return list(value)
    if isinstance(value, dict):
        return value
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, Mapping):
        return dict(value)
    hint = "; make it a list" if hasattr(value, "__next__") else ""
    raise InvalidValue(f"{path} is of type {_type(value)}, which has no JSON{hint}")


def _type(value):
    return type(value).__name__


def _surrogate(value, path):
    """The path of the first str in a plain value that is no Unicode."""
    todo = [(value, path)]
    while todo:
        value, path = todo.pop()
        if isinstance(value, str):
            try:
                value.encode()
            except UnicodeEncodeError:
                return path
        elif isinstance(value, (list, tuple)):
            todo.extend(reversed([(part, f"{path}[{i}]") for i, part in enumerate(value)]))
        elif isinstance(value, dict):
            for key, part in reversed(value.items()):
                text = str(key).encode("ascii", "backslashreplace").decode()
                todo += [(part, f"{path}.{text}"), (key, f"a key of {path}")]
    return path
