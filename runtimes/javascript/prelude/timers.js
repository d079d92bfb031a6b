// setTimeout and its like. Times are milliseconds.
import { addTimer, removeTimer, weaken } from "./loop.js";

// Timer is a number to those who want one, and has node's methods.
class Timer {
  constructor(id) {
    this.id = id;
  }
  ref() {
    weaken(this.id, false);
    return this;
  }
  unref() {
    weaken(this.id, true);
    return this;
  }
  hasRef() {
    return true;
  }
  close() {
    removeTimer(this.id);
    return this;
  }
  [Symbol.toPrimitive]() {
    return this.id;
  }
}

function start(fn, ms, args, every) {
  if (typeof fn !== "function") throw new TypeError("setTimeout and setInterval need a function");
  return new Timer(addTimer(args.length ? () => fn(...args) : fn, ms, every));
}

function stop(timer) {
  if (timer !== undefined && timer !== null) removeTimer(Number(timer));
}

export const timers = {
  setTimeout: (fn, ms, ...args) => start(fn, ms, args, false),
  setInterval: (fn, ms, ...args) => start(fn, ms, args, true),
  setImmediate: (fn, ...args) => start(fn, 0, args, false),
  clearTimeout: stop,
  clearInterval: stop,
  clearImmediate: stop,
  queueMicrotask(fn) {
    if (typeof fn !== "function") throw new TypeError("queueMicrotask needs a function");
    Promise.resolve().then(fn);
  },
};
