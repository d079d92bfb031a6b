"""ctx: what code knows of the run it is in, and what it may ask of it."""

import base64
import time

import _graflow

from graflow import _host, _tools, _values
from graflow._errors import Failure

_LEVELS = {"debug": -4, "info": 0, "warn": 4, "warning": 4, "error": 8}
_NONE = object()


class Channel:
    """The values that the tasks of a run share, by key."""

    def get(self, key, default=None):
        try:
            return _host.ask_value(f"channel key {key!r}", "channel_get", key)
        except _host.HostError as error:
            if error.kind == "not_found":
                return default
            raise

    def set(self, key, value):
        self._change("channel_set", key, value)

    def append(self, key, value):
        self._change("channel_append", key, value)

    def prepend(self, key, value):
        self._change("channel_prepend", key, value)

    def add(self, key, number=1):
        self._change("channel_add", key, number)

    def delete(self, key):
        _host.ask(f"delete of channel key {key!r}", "channel_delete", key)

    def keys(self, prefix=""):
        return _host.ask_value("keys of the channel", "channel_keys", prefix)

    def _change(self, function, key, value):
        what = f"{function.replace('_', ' ')} {key!r}"
        _host.ask(what, function, key, _values.dumps(value, f"value of {key!r}"))


class Response:
    """The answer to ctx.http: status, headers (a dict of lists), body (bytes)."""

    def __init__(self, document):
        self.status = document["status"]
        self.headers = document.get("header") or {}
        self.body = base64.b64decode(document.get("body") or "")

    @property
    def text(self):
        return self.body.decode("utf-8", "replace")

    def json(self):
        return _values.plain_loads(self.body)

    def __repr__(self):
        return f"<Response {self.status}, {len(self.body)} bytes>"


class Context:
    """ctx. Calls that the host refuses raise graflow.HostError."""

    def __init__(self, meta=None):
        meta = meta or {}
        self.run = meta.get("run", "")
        self.task = meta.get("task", "")
        self.activation = meta.get("activation", "")
        self.attempt = meta.get("attempt", 1)
        self.max_attempts = meta.get("max_attempts", 1)
        self.cycle = meta.get("cycle", 1)
        self.max_cycles = meta.get("max_cycles", 0)
        self.can_iterate = meta.get("can_iterate", False)
        self.channel = Channel()

    call = staticmethod(_tools.call)
    parallel = staticmethod(_tools.parallel)
    map = staticmethod(_tools.map)
    pipeline = staticmethod(_tools.pipeline)

    def log(self, level, text):
        """Writes a line to the log. level is debug, info, warn or error."""
        _host.flush()
        if level not in _LEVELS:
            raise ValueError(f"level {level!r} is none of {', '.join(_LEVELS)}")
        _graflow.log(_LEVELS[level], str(text).encode("utf-8", "replace"))

    def debug(self, text):
        self.log("debug", text)

    def info(self, text):
        self.log("info", text)

    def warn(self, text):
        self.log("warn", text)

    warning = warn

    def error(self, text):
        self.log("error", text)

    def progress(self, done, total=0, note=""):
        """Tells watchers how far it is. total 0 is unknown."""
        _graflow.progress(done, total, str(note).encode("utf-8", "replace"))

    def result(self, id):
        """The result of a task of the run."""
        return _host.ask_value(f"result of {id!r}", "result_get", id)

    def next_task(self, id, handler=None, spec=None, input=_NONE, goto=False):
        """Asks for a task to run next; see docs/abi.md."""
        task = {"id": id, "handler": handler, "spec": spec, "goto": goto or None}
        task = {key: value for key, value in task.items() if value is not None}
        if input is not _NONE:
            task["input"] = input
        _host.ask(f"next task {id!r}", "next_task", _values.dumps(task, "next_task"))

    def next_iteration(self, data=_NONE):
        """Asks for this task to run again, with data."""
        document = b"" if data is _NONE else _values.dumps(data, "data")
        _host.ask("next iteration", "next_iteration", document)

    def terminate(self, message=""):
        """Ends the run with success, after this task."""
        _host.ask("terminate", "terminate", message)

    def cancel(self, message=""):
        """Ends the run as canceled, after this task."""
        _host.ask("cancel", "cancel", message)

    def checkpoint(self, meta=_NONE, name=None):
        """Asks for a checkpoint after this task."""
        document = b"" if meta is _NONE else _values.dumps(meta, "meta")
        if name is None:
            _host.ask("checkpoint", "checkpoint", document)
        else:
            _host.ask(f"checkpoint {name!r}", "checkpoint_as", name, document)

    def pause(self, name, message=None, schema=None, timeout=None, default=_NONE, until=None, after=None):
        """Asks a person, and answers what was answered. As long as there is no
        answer the code ends here, to be run again from its start."""
        asked = {"name": name, "message": message, "schema": schema, "timeout": timeout, "until": until, "after": after}
        asked = {key: value for key, value in asked.items() if value is not None}
        if default is not _NONE:
            asked["default"] = default
        return _host.ask_value(f"pause {name!r}", "pause", _values.dumps(asked, "pause"))

    def secret(self, name):
        """A secret that was granted, a str; bytes if it is no text."""
        secret = _host.ask(f"secret {name!r}", "secret_get", name)
        try:
            return secret.decode()
        except UnicodeDecodeError:
            return secret

    def http(self, method, url, headers=None, body=None):
        """Sends a request. body is bytes, str, or a value to be sent as JSON."""
        headers = {str(key): str(value) for key, value in (headers or {}).items()}
        if body is not None and not isinstance(body, (str, bytes, bytearray, memoryview)):
            headers.setdefault("Content-Type", "application/json")
            body = _values.dumps(body, "body")
        request = {"method": method, "url": url, "header": headers}
        if body is not None:
            body = body.encode() if isinstance(body, str) else body
            request["body"] = base64.b64encode(body).decode()
        return Response(_values.plain_loads(_host.ask(f"{method} {url}", "http_request", _values.dumps(request, "request"))))

    def fail(self, kind, message="", permanent=False, retry_after=0):
        """Ends the code as failed. permanent says that another attempt is of no
        use, retry_after (seconds or a timedelta) when it is to be made."""
        seconds = getattr(retry_after, "total_seconds", lambda: retry_after)()
        raise Failure(str(kind), str(message), bool(permanent), max(0, seconds))

    def sleep(self, seconds):
        """Sleeps. Where the host can, it ends the code for so long."""
        answer = _tools.call_all([("graflow.sleep", {"seconds": seconds})])[0]
        if not isinstance(answer, _tools.ToolError):
            return
        if answer.kind not in ("not_found", "denied", "unavailable"):
            raise answer
        time.sleep(seconds)
