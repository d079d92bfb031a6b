// The event loop. Jobs run until there are none; then all pending tool calls go
// to the host at once, then other questions one by one, then timers.
import { host } from "./host.js";
import { Unsettled } from "./errors.js";

let calls = []; // {name, args}: what the host is asked
let callers = []; // {done(caller, answer), …} of each
let questions = []; // functions that ask the host and settle something
let timers = []; // {at, order, fn, every, id}, a heap is not worth it
let order = 0;

export function forget() {
  calls = [];
  callers = [];
  questions = [];
  host.rejections();
}

// ask puts off a function until nothing else is ready.
export function ask(fn) {
  questions.push(fn);
}

// enqueueCall puts a tool call, {name, args}, into the next batch. caller.done(caller,
// answer) is called with what the host says to it.
export function enqueueCall(call, caller) {
  calls.push(call);
  callers.push(caller);
}

// addTimer starts a timer. Nothing waits for a weak one.
export function addTimer(fn, ms, every, weak = false) {
  const delay = Math.max(every ? 1 : 0, Math.min(+ms || 0, 2 ** 31 - 1));
  const timer = { at: host.now() + delay, order: ++order, fn, every: every ? delay : 0, id: order, weak };
  timers.push(timer);
  return timer.id;
}

export function weaken(id, weak) {
  const timer = timers.find((t) => t.id === id);
  if (timer) timer.weak = weak;
}

export function removeTimer(id) {
  const at = timers.findIndex((t) => t.id === id);
  if (at >= 0) timers.splice(at, 1);
}

// settle turns the loop until a promise is settled, and gives what it came to; a value
// is given as it is. It throws what the promise was rejected with.
export function settle(value) {
  const promise = host.watch(value);
  if (promise === undefined) return value;
  let settled;
  while ((settled = host.settled(promise)) === undefined) {
    if (!turn(true)) throw new Unsettled();
  }
  if (!settled[0]) throw settled[1];
  return settled[1];
}

// finish turns the loop until nothing is left, or nothing but timers if they are dropped.
export function finish(dropTimers) {
  while (turn(!dropTimers));
}

// turn does what is next; false if there was nothing to do.
function turn(withTimers) {
  if (host.jobs()) return true;
  const unhandled = host.rejections();
  if (unhandled) throw unhandled[1];
  if (calls.length > 0) return send();
  if (questions.length > 0) {
    questions.shift()();
    return true;
  }
  return withTimers && timers.some((t) => !t.weak) && fire();
}

function send() {
  const asked = calls;
  const batch = callers;
  calls = [];
  callers = [];
  const answers = host.toolCalls(asked);
  for (let i = 0; i < batch.length; i++) batch[i].done(batch[i], typeof answers === "number" ? answers : answers[i]);
  return true;
}

function fire() {
  let next = timers[0];
  for (const t of timers) if (t.at < next.at || (t.at === next.at && t.order < next.order)) next = t;
  const wait = next.at - host.now();
  if (wait > 0) host.sleep(wait);
  if (next.every) {
    next.at = Math.max(next.at + next.every, host.now());
    next.order = ++order;
  } else {
    timers.splice(timers.indexOf(next), 1);
  }
  host.call(next.fn);
  return true;
}
