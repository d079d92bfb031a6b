import json


def main(input):
    with open("/ledger/calls.txt", "a") as ledger:
        ledger.write(f"{ctx.run} search {input['query']}\n")
    words = set(input["query"].lower().split())
    ranked = []
    for product in json.load(open("/catalog/products.json")):
        hits = len(words & set(f"{product['name']} {product['about']}".lower().split()))
        if hits:
            ranked.append((-hits, product["sku"], product["name"]))
    return [{"sku": sku, "name": name} for _, sku, name in sorted(ranked)[: input.get("limit", 3)]]
