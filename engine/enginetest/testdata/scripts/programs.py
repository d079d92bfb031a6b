"""The programs of enginetest.HandlerSuite. The first argument names the one to run."""

import sys

from graflow import HostError


def seconds(text):
    return float(text.removesuffix("s")) if text else 0


def fail(to):
    ctx.channel.set("lost", True)
    if to.get("cancel"):
        ctx.cancel(to["cancel"])
    ctx.fail(to.get("kind") or "error", to.get("message", ""), permanent=to.get("permanent", False), retry_after=seconds(to.get("retry_after")))


def one(op, key="", value=None):
    channel = ctx.channel
    if op == "get":
        return channel.get(key)
    if op == "keys":
        return channel.keys(key)
    change = getattr(channel, op)
    try:
        change(key) if op == "delete" else change(key, value)
    except HostError:
        return False
    return True


def channel(ops):
    return [one(**op) for op in ops]


def result_of(task):
    try:
        return ctx.result(task)
    except HostError:
        return None


def meta(_):
    names = "run task activation attempt max_attempts cycle max_cycles can_iterate"
    return {name: getattr(ctx, name) for name in names.split()}


def next_tasks(tasks):
    for task in tasks:
        ctx.next_task(**task)
    return "asked"


def iterate(n):
    if n < 3:
        ctx.next_iteration(n + 1)
    return n


def tell(what):
    for line in what.get("log", []):
        ctx.log(line["level"].lower(), line["message"])
    for progress in what.get("progress", []):
        ctx.progress(progress.get("done", 0), progress.get("total", 0), progress.get("note", ""))


def ask(_):
    ctx.channel.add("asked", 1)
    return [ctx.pause("first"), ctx.pause("second")]


def checkpoint(points):
    for point in points:
        name = {"name": point["name"]} if point.get("name") else {}
        if point.get("meta") is None:
            ctx.checkpoint(**name)
        else:
            ctx.checkpoint(point["meta"], **name)


def spin(_):
    ctx.info("spinning")
    while True:
        pass


def crash(_):
    ctx.channel.set("lost", True)
    raise SystemError("boom")


programs = {
    "echo": lambda value: value, "fail": fail, "channel": channel, "result": result_of, "meta": meta, "next": next_tasks,
    "iterate": iterate, "terminate": ctx.terminate, "cancel": ctx.cancel, "tell": tell,
    "pause": lambda options: ctx.pause(**options), "ask": ask, "checkpoint": checkpoint, "spin": spin, "crash": crash,
}
result = programs[sys.argv[1]](input)
