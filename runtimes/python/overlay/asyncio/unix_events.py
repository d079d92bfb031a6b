"""In the place of the event loops for Unix: the one for the sandbox."""

from graflow._loop import Loop as SelectorEventLoop
from graflow._loop import Policy as DefaultEventLoopPolicy

EventLoop = SelectorEventLoop

__all__ = ("SelectorEventLoop", "DefaultEventLoopPolicy", "EventLoop")
