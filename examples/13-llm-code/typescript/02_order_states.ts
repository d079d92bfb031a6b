enum Priority {
  Low = 1,
  Normal,
  High = 10,
}

enum Currency {
  Euro = "EUR",
  Dollar = "USD",
}

type OrderEvent =
  | { type: "created"; items: string[]; priority?: Priority }
  | { type: "paid"; amount: number; currency: Currency }
  | { type: "shipped"; carrier: string }
  | { type: "canceled"; reason: string };

type OrderState =
  | { status: "draft" }
  | { status: "open"; items: string[]; priority: Priority }
  | { status: "paid"; items: string[]; paid: string }
  | { status: "done"; tracking: `${string}-${number}` }
  | { status: "canceled"; reason: string };

class TransitionError extends Error {
  constructor(
    public readonly from: OrderState["status"],
    public readonly event: OrderEvent["type"],
  ) {
    super(`cannot apply "${event}" to an order that is ${from}`);
    this.name = "TransitionError";
    Object.setPrototypeOf(this, TransitionError.prototype);
  }
}

function assertNever(value: never): never {
  throw new Error(`unhandled: ${JSON.stringify(value)}`);
}

const isOpen = (s: OrderState): s is Extract<OrderState, { status: "open" }> => s.status === "open";

function apply(state: OrderState, event: OrderEvent): OrderState {
  switch (event.type) {
    case "created":
      if (state.status !== "draft") throw new TransitionError(state.status, event.type);
      return { status: "open", items: event.items, priority: event.priority ?? Priority.Normal };
    case "paid":
      if (!isOpen(state)) throw new TransitionError(state.status, event.type);
      return { status: "paid", items: state.items, paid: `${event.amount.toFixed(2)} ${event.currency}` };
    case "shipped":
      if (state.status !== "paid") throw new TransitionError(state.status, event.type);
      return { status: "done", tracking: `${event.carrier}-${state.items.length * 1000}` };
    case "canceled":
      return { status: "canceled", reason: event.reason };
    default:
      return assertNever(event);
  }
}

const histories: OrderEvent[][] = [
  [
    { type: "created", items: ["lamp", "desk"], priority: Priority.High },
    { type: "paid", amount: 120.5, currency: Currency.Euro },
    { type: "shipped", carrier: "DHL" },
  ],
  [{ type: "created", items: ["pen"] }, { type: "shipped", carrier: "UPS" }],
  [{ type: "created", items: [] }, { type: "canceled", reason: "empty" }],
  [{ type: "created", items: ["cup"] }],
];

const outcomes = histories.map((events) => {
  try {
    return events.reduce(apply, { status: "draft" } as OrderState);
  } catch (err: unknown) {
    if (err instanceof TransitionError) return { error: err.message, from: err.from, event: err.event };
    throw err;
  }
});

console.log(outcomes);
console.log(Priority[10], Priority.Normal, Object.values(Currency));

const result: { outcomes: typeof outcomes; priorities: string[] } = {
  outcomes,
  priorities: Object.keys(Priority).filter((k) => Number.isNaN(Number(k))),
};
