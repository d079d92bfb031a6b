from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from enum import Enum
from fractions import Fraction


class TaxRate(Enum):
    STANDARD = "standard"
    REDUCED = "reduced"
    EXEMPT = "exempt"

    @property
    def rate(self) -> Decimal:
        return {"standard": Decimal("0.19"), "reduced": Decimal("0.07"), "exempt": Decimal(0)}[self.value]


def money(amount: Decimal) -> Decimal:
    """Round to cents, half up."""
    return amount.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


@dataclass
class Line:
    description: str
    quantity: int
    unit_price: Decimal
    tax: TaxRate = TaxRate.STANDARD

    @property
    def net(self) -> Decimal:
        return money(self.quantity * self.unit_price)


@dataclass
class Invoice:
    number: str
    lines: list[Line] = field(default_factory=list)
    net: Decimal = Decimal(0)
    tax: dict[str, Decimal] = field(default_factory=dict)
    gross: Decimal = Decimal(0)
    paid: bool = False
    note: str | None = None

    def close(self) -> "Invoice":
        self.net = sum((line.net for line in self.lines), Decimal(0))
        for rate in TaxRate:
            base = sum((line.net for line in self.lines if line.tax is rate), Decimal(0))
            if base:
                self.tax[rate.value] = money(base * rate.rate)
        self.gross = self.net + sum(self.tax.values())
        return self


invoice = Invoice("2025-0042")
for item in input["items"]:
    match item:
        case {"what": str(what), "price": price, "tax": tax, **rest}:
            invoice.lines.append(Line(what, rest.get("quantity", 1), Decimal(str(price)), TaxRate(tax)))
        case {"what": str(what), "price": price}:
            invoice.lines.append(Line(what, 1, Decimal(str(price))))
        case _:
            raise ValueError(f"unknown item: {item!r}")

invoice.close()
for line in invoice.lines:
    print(f"{line.quantity:>3} x {line.description:<24}{line.net:>10,}")
print(f"{'Total':<30}{invoice.gross:>10,}")
print("A third of it:", Fraction(invoice.gross) / 3)

invoice
