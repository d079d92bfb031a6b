import bisect
import contextlib
import functools
import traceback
from collections import OrderedDict, deque, namedtuple
from typing import Callable, Generic, Iterator, NamedTuple, Protocol, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class InsufficientFunds(Exception):
    """Raised when a withdrawal exceeds the balance."""

    def __init__(self, balance: int, amount: int) -> None:
        self.balance, self.amount = balance, amount
        super().__init__(f"balance {balance} is less than {amount}")


class Notifier(Protocol):
    def notify(self, message: str) -> None: ...


class Entry(NamedTuple):
    kind: str
    amount: int
    balance: int


Bracket = namedtuple("Bracket", "limit rate")


def audited(func: Callable) -> Callable:
    """Log every call of the decorated method."""

    @functools.wraps(func)
    def wrapper(self, *args, **kwargs):
        try:
            outcome = func(self, *args, **kwargs)
        except Exception as e:
            self.notify(f"{func.__name__}{args} failed: {e}")
            raise
        self.notify(f"{func.__name__}{args} ok")
        return outcome

    return wrapper


class Account:
    interest: list[Bracket] = [Bracket(1000, 0.01), Bracket(5000, 0.02), Bracket(10**9, 0.03)]

    def __init__(self, owner: str, balance: int = 0) -> None:
        self.owner = owner
        self._balance = balance
        self.history: deque[Entry] = deque(maxlen=3)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(owner={self.owner!r}, balance={self._balance})"

    def notify(self, message: str) -> None:
        print(f"[{self.owner}] {message}")

    @property
    def balance(self) -> int:
        return self._balance

    @audited
    def deposit(self, amount: int) -> None:
        if amount <= 0:
            raise ValueError("amount must be positive")
        self._balance += amount
        self.history.append(Entry("deposit", amount, self._balance))

    @audited
    def withdraw(self, amount: int) -> None:
        if amount > self._balance:
            raise InsufficientFunds(self._balance, amount)
        self._balance -= amount
        self.history.append(Entry("withdraw", amount, self._balance))

    def rate(self) -> float:
        i = bisect.bisect_left([b.limit for b in self.interest], self._balance)
        return self.interest[i].rate


class LRUCache(Generic[K, V]):
    def __init__(self, capacity: int):
        self.capacity = capacity
        self.data: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K) -> V | None:
        if key in self.data:
            self.data.move_to_end(key)
        return self.data.get(key)

    def put(self, key: K, value: V) -> None:
        self.data[key] = value
        self.data.move_to_end(key)
        if len(self.data) > self.capacity:
            self.data.popitem(last=False)


@contextlib.contextmanager
def transaction(*accounts: Account) -> Iterator[None]:
    """Restore all balances if anything goes wrong."""
    before = [a.balance for a in accounts]
    try:
        yield
    except Exception:
        for account, balance in zip(accounts, before):
            account._balance = balance
        print("Rolled back")
        raise


def main(input: dict) -> dict:
    alice, bob = Account("Alice", input["alice"]), Account("Bob")
    errors = []
    for amount in input["transfers"]:
        try:
            with transaction(alice, bob):
                bob.deposit(amount)
                alice.withdraw(amount)
        except InsufficientFunds as e:
            errors.append({"missing": e.amount - e.balance, "error": repr(e)})
        except ValueError as e:
            last = traceback.extract_tb(e.__traceback__)[-1]
            errors.append({"error": str(e), "in": last.name, "source": last.line})
        finally:
            assert alice.balance + bob.balance == input["alice"], "money was created or lost"

    lru = LRUCache[str, int](2)
    for key in ("a", "b", "a", "c"):
        if lru.get(key) is None:
            lru.put(key, ord(key))

    return {
        "accounts": [repr(alice), repr(bob)],
        "rates": [alice.rate(), bob.rate()],
        "history": bob.history and list(bob.history),
        "errors": errors,
        "cached": lru.data,
    }
