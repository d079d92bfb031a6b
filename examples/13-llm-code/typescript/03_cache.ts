interface Cache<K, V> {
  get(key: K): V | undefined;
  set(key: K, value: V): this;
  readonly size: number;
}

abstract class BaseCache<K, V> implements Cache<K, V> {
  protected readonly entries = new Map<K, V>();
  protected hits = 0;
  protected misses = 0;

  abstract onOverflow(): void;

  constructor(protected readonly capacity: number) {
    if (!Number.isInteger(capacity) || capacity <= 0) {
      throw new RangeError(`capacity must be a positive integer, not ${capacity}`);
    }
  }

  get size(): number {
    return this.entries.size;
  }

  get(key: K): V | undefined {
    const value = this.entries.get(key);
    value === undefined ? this.misses++ : this.hits++;
    return value;
  }

  set(key: K, value: V): this {
    this.entries.delete(key);
    this.entries.set(key, value);
    if (this.entries.size > this.capacity) this.onOverflow();
    return this;
  }

  get ratio(): number {
    const total = this.hits + this.misses;
    return total === 0 ? 0 : this.hits / total;
  }

  keys(): K[] {
    return [...this.entries.keys()];
  }
}

class LruCache<K, V> extends BaseCache<K, V> {
  private evicted: K[] = [];

  override get(key: K): V | undefined {
    const value = super.get(key);
    if (value !== undefined) {
      this.entries.delete(key);
      this.entries.set(key, value);
    }
    return value;
  }

  override onOverflow(): void {
    const oldest = this.entries.keys().next().value as K;
    this.entries.delete(oldest);
    this.evicted.push(oldest);
  }

  get evictions(): readonly K[] {
    return this.evicted;
  }
}

class TtlCache<V> extends BaseCache<string, { value: V; expires: number }> {
  #now: () => number;

  constructor(capacity: number, private ttl: number, now: () => number = Date.now) {
    super(capacity);
    this.#now = now;
  }

  onOverflow(): void {
    const stale = [...this.entries].filter(([, e]) => e.expires <= this.#now());
    for (const [key] of stale) this.entries.delete(key);
  }

  put(key: string, value: V): void {
    this.set(key, { value, expires: this.#now() + this.ttl });
  }

  fetch(key: string): V | null {
    const entry = this.get(key);
    return entry && entry.expires > this.#now() ? entry.value : null;
  }
}

function memoize<A extends unknown[], R>(fn: (...args: A) => R, cache: Cache<string, R>): (...args: A) => R {
  return (...args: A): R => {
    const key = args.join("|");
    let value = cache.get(key);
    if (value === undefined) {
      value = fn(...args);
      cache.set(key, value);
    }
    return value;
  };
}

const lru = new LruCache<string, number>(2);
lru.set("a", 1).set("b", 2);
lru.get("a");
lru.set("c", 3);

let clock = 0;
const ttl = new TtlCache<string>(2, 100, () => clock);
ttl.put("x", "fresh");
clock = 50;
const early = ttl.fetch("x");
clock = 150;
const late = ttl.fetch("x");

const paths: (r: number, c: number) => number = memoize(
  (r: number, c: number): number => (r === 0 || c === 0 ? 1 : paths(r - 1, c) + paths(r, c - 1)),
  new LruCache<string, number>(1000),
);

let message = "";
try {
  new LruCache(0);
} catch (e) {
  message = (e as Error).message;
}

console.log(`LRU keeps ${lru.keys()} after evicting ${lru.evictions}`);
console.log({ size: lru.size, keys: lru.keys(), late });

export default { keys: lru.keys(), ratio: lru.ratio, early, late, lattice: paths(16, 16), message };
