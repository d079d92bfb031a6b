"""Tools: functions of the host's that code calls like its own."""

import asyncio

from graflow import _host, _values


class ToolError(Exception):
    """A tool's failure. kind is not_found, denied, invalid_args, or the tool's own."""

    def __init__(self, kind, message):
        super().__init__(message)
        self.kind = kind
        self.message = message

    def __reduce__(self):
        return ToolError, (self.kind, self.message)


def call_all(calls):
    """Makes the calls, pairs of a name and arguments, all at once. Answers a list
    of values and of ToolErrors that are not raised."""
    if not calls:
        return []
    documents = (
        b'{"name":' + _values.dumps(name, "name") + b',"args":' + _values.dumps(args, f"argument of {name}") + b"}"
        for name, args in calls
    )
    try:
        answers = _values.loads(_host.ask_tools(
            lambda: "call " + ", ".join(sorted({str(name) for name, _ in calls}))[:200], b"[" + b",".join(documents) + b"]"
        ))
    except _host.HostError as error:
        return [ToolError(error.kind, str(error)) for _ in calls]
    return [_answer(answer) for answer in answers]


def _answer(answer):
    error = answer.get("error")
    if error is None:
        return answer.get("value")
    return ToolError(error.get("kind", "error"), error.get("message", ""))


def call(name, args=None):
    """Calls a tool or task and answers its value."""
    return _call_one(b'[{"name":' + _values.dumps(name, "name") + b',"args":', name, args)


def _call_one(head, name, args):
    """call with the part of the document before the arguments."""
    document = head + _values.dumps(args, f"argument of {name}") + b"}]"
    try:
        answer = _host.ask_tools(lambda: f"call {name}"[:205], document)
    except _host.HostError as error:
        raise ToolError(error.kind, str(error)) from None
    if sole := _values.loads_sole(answer):
        return sole[0]
    value = _answer(_values.loads(answer)[0])
    if isinstance(value, ToolError):
        raise value
    return value


def parallel(calls):
    """Makes several calls at once; answers their values, in the order of calls.
    If some fail, the error of the first of those is raised when all are done."""
    values = call_all([(name, args) for name, args in calls])
    for value in values:
        if isinstance(value, ToolError):
            raise value
    return values


def map(name, items):
    """Calls a tool with each item, all at once; answers the values in order."""
    return parallel([(name, item) for item in items])


def pipeline(names, value=None):
    """Calls one tool after the other, each with the value of the one before."""
    for name in names:
        value = call(name, value)
    return value


async def later(name, args=None):
    """call for asyncio: those that wait together are made at once."""
    loop = asyncio.get_running_loop()
    if not hasattr(loop, "call_host"):
        return call(name, args)
    return await loop.call_host(name, args)


class Tool:
    """A tool as a function. It blocks; later gives an awaitable of the same."""

    def __init__(self, declared):
        self.name = self.__name__ = self.__qualname__ = declared["name"]
        self.__doc__ = declared.get("doc")
        self._head = b'[{"name":' + _values.dumps(self.name, "name") + b',"args":'
        self.schema = declared.get("input")
        self.output = declared.get("output")
        schema = self.schema if isinstance(self.schema, dict) else {}
        properties = schema.get("properties")
        self._parameters = dict(properties) if isinstance(properties, dict) else None
        if self._parameters is None and schema.get("type") == "object":
            self._parameters = {}

    def __repr__(self):
        return f"<tool {self.name}({', '.join(self._parameters or ())})>"

    def __call__(self, *args, **named):
        parameters = self._parameters
        if parameters is None or len(args) == 1 or (args and named) or len(args) > len(parameters):
            named = self._bind(args, named)
        elif args:
            named = dict(zip(parameters, args))
        return _call_one(self._head, self.name, named)

    def later(self, *args, **named):
        return later(self.name, self._bind(args, named))

    def _bind(self, args, named):
        if self._parameters is None:
            return self._bind_one(args, named)
        if len(args) == 1 and not named and self._is_whole(args[0]):
            return args[0]
        if len(args) > len(self._parameters):
            raise TypeError(f"{self.name}() takes {len(self._parameters)} arguments at most, {len(args)} were given")
        bound = dict(zip(self._parameters, args))
        for name in named:
            if name in bound:
                raise TypeError(f"{self.name}() got two values for argument {name!r}")
        return bound | named

    def _is_whole(self, value):
        """Tells whether a sole argument is the object of all arguments."""
        if not isinstance(value, dict):
            return False
        first = next(iter(self._parameters.values()), None)
        takes_object = isinstance(first, dict) and first.get("type") == "object"
        return not takes_object and value.keys() <= (self._parameters.keys() or value.keys())

    def _bind_one(self, args, named):
        if named and not args:
            return named
        if named or len(args) > 1:
            raise TypeError(f"{self.name}() takes one value, or arguments by name")
        return args[0] if args else None


class Tools:
    """The tools by name: tools.search, tools["web.search"], and iteration over
    their names."""

    def __init__(self, declared=()):
        self._all = {each["name"]: Tool(each) for each in declared}

    def __getitem__(self, name):
        try:
            return self._all[name]
        except KeyError:
            raise KeyError(f"there is no tool {name!r}; there are: {', '.join(self._all) or 'none'}") from None

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            return self._all[name]
        except KeyError:
            raise AttributeError(f"there is no tool {name!r}; there are: {', '.join(self._all) or 'none'}") from None

    def __iter__(self):
        return iter(self._all)

    def __len__(self):
        return len(self._all)

    def __contains__(self, name):
        return name in self._all

    def __dir__(self):
        return list(self._all)

    def __repr__(self):
        return f"<tools {', '.join(self._all)}>"
