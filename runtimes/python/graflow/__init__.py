"""What code in the sandbox can use beside the standard library.

input, ctx and tools are those of the code that runs; the functions are ctx's.
"""

from graflow._context import Context, Response
from graflow._errors import Failure
from graflow._host import HostError
from graflow._loop import Deadlock
from graflow._tools import Tool, ToolError, Tools, call, later, map, parallel, pipeline

for _each in (Context, Response, Failure, HostError, Deadlock, Tool, ToolError, Tools):
    _each.__module__ = "graflow"  # where it is imported from, in tracebacks

input = None
ctx = Context()
tools = Tools()

_OF_CTX = frozenset(
    """run task activation attempt max_attempts cycle max_cycles can_iterate channel
    log debug info warn warning error progress result next_task next_iteration terminate
    cancel checkpoint pause secret http fail sleep""".split()
)


def __getattr__(name):
    if name in _OF_CTX:
        return getattr(ctx, name)
    if name in tools:
        return tools[name]
    raise AttributeError(f"module 'graflow' has no attribute {name!r}")
