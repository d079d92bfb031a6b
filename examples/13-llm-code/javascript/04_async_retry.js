const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

class HttpError extends Error {
  constructor(status, url) {
    super(`${url} answered ${status}`);
    this.name = "HttpError";
    this.status = status;
  }
}

const flaky = new Map([["/b", 2], ["/d", 99]]);

// Simulated API
async function request(url) {
  await sleep(url.charCodeAt(1) - 96);
  const left = flaky.get(url) ?? 0;
  if (left > 0) {
    flaky.set(url, left - 1);
    throw new HttpError(503, url);
  }
  return { url, status: 200 };
}

async function withRetry(fn, { retries = 3, base = 1 } = {}) {
  for (let attempt = 0; ; attempt++) {
    try {
      return await fn();
    } catch (err) {
      if (attempt >= retries || !(err instanceof HttpError)) throw err;
      await sleep(base * 2 ** attempt);
    }
  }
}

const withTimeout = (promise, ms) => {
  let timer;
  const timeout = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`timed out after ${ms} ms`)), ms);
  });
  return Promise.race([promise, timeout]).finally(() => clearTimeout(timer));
};

async function pool(tasks, limit) {
  const results = new Array(tasks.length);
  let next = 0;
  let running = 0;
  let peak = 0;
  const worker = async () => {
    while (next < tasks.length) {
      const i = next++;
      peak = Math.max(peak, ++running);
      results[i] = await tasks[i]();
      running--;
    }
  };
  await Promise.all(Array.from({ length: limit }, worker));
  return { results, peak };
}

async function* countdown(n) {
  while (n > 0) {
    await sleep(1);
    yield n--;
  }
}

async function main() {
  const settled = await Promise.allSettled(["/a", "/b", "/c", "/d"].map((u) => withRetry(() => request(u))));
  for (const s of settled) {
    console.log(s.status, s.status === "fulfilled" ? s.value : `${s.reason.name}: ${s.reason.message}`);
  }

  try {
    await withTimeout(sleep(5000), 5);
  } catch (err) {
    console.log(err.message);
  }

  const fastest = await Promise.any([sleep(9).then(() => "slow"), sleep(1).then(() => "fast"), Promise.reject(new Error("no"))]);
  const { results, peak } = await pool([5, 1, 4, 2, 3].map((n) => async () => (await sleep(n), n * n)), 2);

  const ticks = [];
  for await (const n of countdown(3)) ticks.push(n);

  const order = [];
  setTimeout(() => order.push("timeout"), 0);
  queueMicrotask(() => order.push("microtask"));
  Promise.resolve().then(() => order.push("promise"));
  order.push("sync");
  await sleep(2);

  return { fastest, results, peak, ticks, order };
}

main()
  .then((out) => {
    console.log("done", out.order.join(" > "));
    return out;
  })
  .catch((err) => {
    console.error("Unexpected error:", err);
    throw err;
  });
