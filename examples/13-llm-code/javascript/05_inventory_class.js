class EventEmitter {
  #handlers = new Map();

  on(event, handler) {
    if (!this.#handlers.has(event)) this.#handlers.set(event, []);
    this.#handlers.get(event).push(handler);
    return () => this.off(event, handler);
  }

  off(event, handler) {
    this.#handlers.set(event, (this.#handlers.get(event) ?? []).filter((h) => h !== handler));
  }

  emit(event, ...args) {
    (this.#handlers.get(event) ?? []).forEach((h) => h(...args));
  }
}

class OutOfStockError extends Error {
  constructor(sku, wanted, available) {
    super(`Only ${available} of ${sku} left, wanted ${wanted}`, { cause: { sku, wanted, available } });
    this.name = this.constructor.name;
  }
}

class Item {
  static count = 0;
  #stock;

  constructor(sku, stock, price) {
    this.sku = sku;
    this.#stock = stock;
    this.price = price;
    Item.count++;
  }

  get stock() {
    return this.#stock;
  }

  take(n) {
    if (n > this.#stock) throw new OutOfStockError(this.sku, n, this.#stock);
    this.#stock -= n;
    return this;
  }

  toJSON() {
    return { sku: this.sku, stock: this.#stock, value: this.#stock * this.price };
  }
}

class Inventory extends EventEmitter {
  items = {};

  add(sku, stock, price = 0) {
    this.items[sku] = new Item(sku, stock, price);
    this.emit("added", sku);
    return this;
  }

  *[Symbol.iterator]() {
    yield* Object.values(this.items);
  }

  order(lines) {
    const errors = [];
    for (const [sku, n] of Object.entries(lines)) {
      try {
        const item = this.items[sku];
        if (!item) throw new TypeError(`unknown item ${sku}`);
        if (item.take(n).stock < 3) this.emit("low", item);
      } catch (err) {
        if (err instanceof OutOfStockError) errors.push(err.cause);
        else if (err instanceof TypeError) errors.push(err.message);
        else throw err;
      }
    }
    return errors;
  }
}

const inventory = new Inventory();
const log = [];
const unsubscribe = inventory.on("added", (sku) => log.push(`+${sku}`));
inventory.on("low", ({ sku, stock }) => console.log(`Low stock: ${sku} (${stock} left)`));

inventory.add("apple", 10, 0.5).add("pear", 4, 0.75);
unsubscribe();
inventory.add("fig", 100);

const errors = inventory.order({ apple: 9, pear: 5, kiwi: 1, fig: 1 });
console.log(inventory.items.apple);
console.log([...inventory].map((i) => i.sku), Item.count, inventory instanceof EventEmitter);
console.log(new OutOfStockError("x", 2, 1).toString());

({ log, errors, stock: JSON.parse(JSON.stringify([...inventory])) });
