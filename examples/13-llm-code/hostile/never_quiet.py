"""Keep the event loop busy for ever: whoever waits for it to be quiet waits in vain."""
import asyncio


async def busy():
    while True:
        try:
            await asyncio.sleep(0)
        except BaseException:
            pass


async def main():
    tasks = [asyncio.ensure_future(busy()) for _ in range(10)]
    print("spinning", len(tasks))
    await asyncio.wait_for(asyncio.shield(asyncio.gather(*tasks)), timeout=None)


asyncio.run(main())
