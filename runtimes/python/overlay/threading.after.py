def _no_threads(*args, **named):
    raise RuntimeError(
        "threads are not available in the sandbox: use asyncio, and later() to call several tools at once"
    )


Thread.start = _no_threads
