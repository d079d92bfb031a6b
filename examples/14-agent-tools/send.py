def main(input):
    with open("/ledger/calls.txt", "a") as ledger:
        ledger.write(f"{ctx.run} send {input['sku']} for {input['price']:.2f}\n")
    return f"PO-{input['sku']}"
