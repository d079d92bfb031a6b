type Ok<T> = { ok: true; value: T };
type Err<E> = { ok: false; error: E };
type Result<T, E = Error> = Ok<T> | Err<E>;

const ok = <T,>(value: T): Ok<T> => ({ ok: true, value });
const err = <E,>(error: E): Err<E> => ({ ok: false, error });

class NotFoundError extends Error {
  override name = "NotFoundError";
  constructor(readonly id: number) {
    super(`user ${id} not found`);
  }
}

interface User {
  id: number;
  name: string;
  friends: number[];
}

const database: ReadonlyMap<number, User> = new Map<number, User>([
  [1, { id: 1, name: "Ada", friends: [2, 3] }],
  [2, { id: 2, name: "Bob", friends: [1] }],
  [3, { id: 3, name: "Cleo", friends: [2, 9] }],
]);

const delay = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function loadUser(id: number): Promise<Result<User, NotFoundError>> {
  await delay(3 - (id % 3));
  const user = database.get(id);
  return user ? ok(user) : err(new NotFoundError(id));
}

async function mapPool<T, R>(items: readonly T[], limit: number, fn: (item: T, index: number) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const executing = new Set<Promise<void>>();
  for (const [index, item] of items.entries()) {
    const p: Promise<void> = fn(item, index)
      .then((r) => {
        results[index] = r;
      })
      .finally(() => {
        executing.delete(p);
      });
    executing.add(p);
    if (executing.size >= limit) await Promise.race(executing);
  }
  await Promise.all(executing);
  return results;
}

function unwrap<T, E extends Error>(result: Result<T, E>): T {
  if (!result.ok) throw result.error;
  return result.value;
}

const debounce = <A extends unknown[]>(fn: (...args: A) => void, ms: number) => {
  let timer: ReturnType<typeof setTimeout> | undefined;
  return (...args: A): void => {
    clearTimeout(timer);
    timer = setTimeout(() => fn(...args), ms);
  };
};

export default async function main(): Promise<unknown> {
  const users = await mapPool([1, 2, 3, 4], 2, loadUser);
  const names = users.map((r) => (r.ok ? r.value.name : `${r.error.name}: ${r.error.message}`));
  console.log(names);

  const ada = unwrap(await loadUser(1));
  const friends = (await Promise.all(ada.friends.map(loadUser))).map(unwrap);

  let failure: string | undefined;
  try {
    unwrap(await loadUser(42));
  } catch (e) {
    if (e instanceof NotFoundError) failure = `${e.id}`;
  }

  const saved: string[] = [];
  const save = debounce((text: string) => saved.push(text), 4);
  for (const text of ["h", "he", "hey"]) save(text);
  await delay(12);

  return { names, friends: friends.map((f) => f.name), failure, saved };
}
