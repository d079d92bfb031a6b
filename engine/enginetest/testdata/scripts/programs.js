// The programs of enginetest.HandlerSuite. The first argument names the one to run.

const seconds = text => (text ? Number(text.replace(/s$/, "")) : 0);

function one({ op, key, value }) {
  if (op === "get") return ctx.channel.get(key);
  if (op === "keys") return ctx.channel.keys(key ?? "");
  try {
    op === "delete" ? ctx.channel.delete(key) : ctx.channel[op](key, value);
    return true;
  } catch (error) {
    if (error.name !== "HostError") throw error;
    return false;
  }
}

const programs = {
  echo: value => value,
  fail(to) {
    ctx.channel.set("lost", true);
    if (to.cancel) ctx.cancel(to.cancel);
    ctx.fail(to.kind || "error", to.message ?? "", { permanent: to.permanent ?? false, retryAfter: seconds(to.retry_after) });
  },
  channel: ops => ops.map(one),
  result(task) {
    try {
      return ctx.result(task);
    } catch (error) {
      if (error.name !== "HostError") throw error;
      return null;
    }
  },
  meta: () => ({
    run: ctx.run, task: ctx.task, activation: ctx.activation, attempt: ctx.attempt, max_attempts: ctx.maxAttempts,
    cycle: ctx.cycle, max_cycles: ctx.maxCycles, can_iterate: ctx.canIterate,
  }),
  next(tasks) {
    for (const { id, ...options } of tasks) ctx.nextTask(id, options);
    return "asked";
  },
  iterate(n) {
    if (n < 3) ctx.nextIteration(n + 1);
    return n;
  },
  terminate: message => ctx.terminate(message) ?? null,
  cancel: message => ctx.cancel(message) ?? null,
  tell({ log = [], progress = [] }) {
    for (const { level, message } of log) ctx.log(level.toLowerCase(), message);
    for (const { done, total, note } of progress) ctx.progress(done ?? 0, total, note);
  },
  pause: ({ name, ...options }) => ctx.pause(name, options),
  async ask() {
    ctx.channel.add("asked", 1);
    return [await ctx.pause("first"), await ctx.pause("second")];
  },
  checkpoint(points) {
    for (const { name, meta } of points) ctx.checkpoint(meta ?? undefined, name ? { name } : {});
  },
  spin() {
    ctx.info("spinning");
    for (;;);
  },
  crash() {
    ctx.channel.set("lost", true);
    throw new RangeError("boom");
  },
};

const result = await programs[process.argv[2]](input);
