import type { Readable } from "node:stream";

type Primitive = string | number | boolean | null;
type DeepReadonly<T> = { readonly [K in keyof T]: T[K] extends object ? DeepReadonly<T[K]> : T[K] };
type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type Getters<T> = { [K in keyof T & string as `get${Capitalize<K>}`]: () => T[K] };

interface EventMap {
  deposited: { account: string; cents: number };
  withdrawn: { account: string; cents: number };
  renamed: { account: string; name: string };
}

type StoredEvent<K extends keyof EventMap = keyof EventMap> = K extends keyof EventMap
  ? { readonly seq: number; readonly kind: K; readonly data: DeepReadonly<EventMap[K]> }
  : never;

interface Account {
  name: string;
  cents: number;
  version: number;
}

type Handlers = { [K in keyof EventMap]: (account: Account, data: EventMap[K]) => void };

class EventStore {
  private readonly log: StoredEvent[] = [];
  declare readonly source?: Readable;

  append<K extends keyof EventMap>(kind: K, data: EventMap[K]): StoredEvent<K> {
    const event = Object.freeze({ seq: this.log.length + 1, kind, data: Object.freeze({ ...data }) });
    this.log.push(event as unknown as StoredEvent);
    return event as unknown as StoredEvent<K>;
  }

  *since(seq: number): Generator<StoredEvent, void, undefined> {
    for (const event of this.log) {
      if (event.seq > seq) yield event;
    }
  }
}

const handlers: Handlers = {
  deposited: (a, { cents }) => void (a.cents += cents),
  withdrawn: (a, { cents }) => void (a.cents -= cents),
  renamed: (a, { name }) => void (a.name = name),
};

function project(events: Iterable<StoredEvent>): Map<string, Account> {
  const accounts = new Map<string, Account>();
  for (const { seq, kind, data } of events) {
    let account = accounts.get(data.account);
    if (!account) accounts.set(data.account, (account = { name: data.account, cents: 0, version: 0 }));
    (handlers[kind] as (a: Account, d: unknown) => void)(account, data);
    account.version = seq;
  }
  return accounts;
}

function getters<T extends object>(target: T): Getters<T> {
  const out: Record<string, () => unknown> = {};
  for (const key of Object.keys(target)) {
    out[`get${key[0]!.toUpperCase()}${key.slice(1)}`] = () => target[key as keyof T];
  }
  return out as Getters<T>;
}

function format(value: number): string;
function format(value: string, width: number): string;
function format(value: number | string, width?: number): string {
  return typeof value === "number" ? `${(value / 100).toFixed(2)} €` : value.padEnd(width ?? 0, ".");
}

const store = new EventStore();
store.append("deposited", { account: "alice", cents: 10_000 });
store.append("deposited", { account: "bob", cents: 500 });
store.append("withdrawn", { account: "alice", cents: 2_550 });
store.append("renamed", { account: "bob", name: "Robert" });
const last = store.append("deposited", { account: "bob", cents: 1 });

let frozen = false;
try {
  (last.data as Mutable<typeof last.data>).cents = 1_000_000;
  frozen = last.data.cents === 1;
} catch {
  frozen = true;
}

const accounts = project(store.since(0));
for (const account of accounts.values()) {
  console.log(`${format(account.name, 10)}${format(account.cents)}`);
}

const flags: Record<string, Primitive> = { frozen, late: [...store.since(3)].length, none: null };
({
  accounts,
  flags,
  getter: getters(accounts.get("bob")!).getName(),
  total: [...accounts.values()].reduce((sum, { cents }) => sum + cents, 0),
});
