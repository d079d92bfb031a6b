# What a model answered to: "You may call search, fetch_price, approve and send, which are
# described below. Buy what input["want"] says for at most input["budget"] euros, the
# cheapest that fits. Ask a person before you order. Write Python."

import asyncio


async def main(input):
    found = search(input["want"], limit=5)
    if not found:
        return {"status": "nothing found", "want": input["want"]}

    # The prices of all candidates at once.
    prices = await asyncio.gather(
        *(fetch_price.later(p["sku"]) for p in found), return_exceptions=True
    )
    offers = []
    for product, price in zip(found, prices):
        if isinstance(price, Exception):
            ctx.warn(f"no price of {product['name']}: {price}")
        elif price <= input["budget"]:
            offers.append((price, product))
    if not offers:
        return {"status": "too expensive", "prices": [p for p in prices if not isinstance(p, Exception)]}

    price, product = min(offers, key=lambda offer: offer[0])
    yes = approve(
        name="order",
        message=f"Order {product['name']} for {price:.2f} euros?",
        schema={"type": "boolean"},
    )
    if not yes:
        return {"status": "declined", "product": product["name"], "price": price}

    order = send(product["sku"], price)
    return {"status": "ordered", "product": product["name"], "price": price, "order": order}
