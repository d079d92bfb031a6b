import asyncio
import random
from dataclasses import dataclass


@dataclass
class Response:
    url: str
    status: int
    body: str


class FetchError(Exception):
    """Raised when a request fails after all retries."""


async def fetch(url: str, delay: float, failures: dict[str, int]) -> Response:
    """Simulate a network request."""
    await asyncio.sleep(delay)
    if failures.get(url, 0) > 0:
        failures[url] -= 1
        raise ConnectionError(f"connection to {url} reset")
    return Response(url, 200, f"<html>{url}</html>")


async def fetch_with_retry(url: str, delay: float, failures: dict[str, int], *, retries: int = 2) -> Response:
    for attempt in range(1, retries + 2):
        try:
            return await fetch(url, delay, failures)
        except ConnectionError as e:
            print(f"Attempt {attempt} failed: {e}")
            await asyncio.sleep(0.001 * 2 ** attempt)
    raise FetchError(f"giving up on {url}")


async def producer(queue: asyncio.Queue, count: int) -> None:
    for i in range(count):
        await queue.put(i)
    await queue.put(None)


async def consumer(queue: asyncio.Queue) -> int:
    total = 0
    while (item := await queue.get()) is not None:
        total += item
    return total


async def ticker(n: int):
    """An asynchronous generator."""
    for i in range(n):
        yield i
        await asyncio.sleep(0)


async def main():
    random.seed(42)
    failures = {"https://b.example": 1, "https://d.example": 9}
    urls = ["https://a.example", "https://b.example", "https://c.example", "https://d.example"]
    semaphore = asyncio.Semaphore(3)

    async def limited(url: str, delay: float):
        async with semaphore:
            return await fetch_with_retry(url, delay, failures)

    results = await asyncio.gather(
        *(limited(url, 0.002 + 0.005 * i) for i, url in enumerate(urls)), return_exceptions=True
    )
    for url, outcome in zip(urls, results):
        if isinstance(outcome, Exception):
            print(f"{url}: {type(outcome).__name__}: {outcome}")
        else:
            print(f"{url}: {outcome.status} ({len(outcome.body)} bytes)")

    try:
        await asyncio.wait_for(asyncio.sleep(10), timeout=0.005)
    except asyncio.TimeoutError:
        print("Timed out as expected")

    queue: asyncio.Queue = asyncio.Queue(maxsize=2)
    async with asyncio.TaskGroup() as group:
        group.create_task(producer(queue, 10))
        total = group.create_task(consumer(queue))
    print("Consumed:", total.result())

    print("Ticks:", [i async for i in ticker(3)])


asyncio.run(main())
