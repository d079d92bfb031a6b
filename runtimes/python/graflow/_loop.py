"""The event loop: asyncio without sockets or threads.

It goes round until nothing is ready. Then all calls of the host that are waited
for are made at once, and answered in the order they were asked in; only if there
are none it sleeps until the next timer. So what code does follows from the answers
alone, never from which of them came first.
"""

import asyncio
import time
from asyncio import base_events, events

from graflow import _tools


class Deadlock(RuntimeError):
    """Code awaits what nothing can bring about any more."""


class Loop(base_events.BaseEventLoop):
    """An event loop of asyncio's."""

    def __init__(self):
        super().__init__()
        self._selector = self
        self._calls = []

    def call_host(self, name, args):
        """A future of a call's value."""
        future = self.create_future()
        self._calls.append((name, args, future))
        return future

    def select(self, timeout):
        """What asyncio calls when it would wait for sockets, in seconds; None is
        forever, 0 says that there is more to do first."""
        if timeout == 0 or self._stopping:
            return ()
        if self._calls:
            self._make_calls()
        elif timeout is None:
            self._end_deadlock()
        else:
            time.sleep(timeout)
        return ()

    def _make_calls(self):
        calls = [each for each in self._calls if not each[2].done()]
        self._calls.clear()
        try:
            answers = _tools.call_all([(name, args) for name, args, _ in calls])
        except Exception as error:
            answers = [error] * len(calls)
        for (_, _, future), answer in zip(calls, answers):
            if isinstance(answer, Exception):
                future.set_exception(answer)
            else:
                future.set_result(answer)

    def _end_deadlock(self):
        """Has what is awaited fail, so that the error is where the code waits."""
        text = "the code awaits something that can't happen any more"
        awaited = [getattr(task, "_fut_waiter", None) for task in asyncio.all_tasks(self)]
        awaited = [each for each in awaited if each is not None and not isinstance(each, asyncio.Task) and not each.done()]
        if not awaited:
            raise Deadlock(text)
        for future in awaited:
            future.set_exception(Deadlock(text))

    def _process_events(self, none):
        pass

    def _write_to_self(self):
        pass

    def run_in_executor(self, executor, function, *args):
        """There are no threads: the function is run at once, here."""
        self._check_closed()
        future = self.create_future()
        try:
            future.set_result(function(*args))
        except Exception as error:
            future.set_exception(error)
        return future

    async def shutdown_default_executor(self, timeout=None):
        self._executor_shutdown_called = True


class Policy(events.BaseDefaultEventLoopPolicy):
    _loop_factory = Loop


def finish(loop):
    """Cancels what is left in a loop, so that its clean-up runs."""
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    if left:
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
    if loop._asyncgens:
        loop.run_until_complete(loop.shutdown_asyncgens())
