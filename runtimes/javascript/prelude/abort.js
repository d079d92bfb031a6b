// Event, EventTarget, AbortController, AbortSignal.
import { DOMException } from "./encoding.js";
import { addTimer } from "./loop.js";

export class Event {
  constructor(type, { cancelable = false, detail } = {}) {
    Object.assign(this, { type: String(type), cancelable, defaultPrevented: false, target: null, timeStamp: 0 });
    if (detail !== undefined) this.detail = detail;
  }
  preventDefault() {
    if (this.cancelable) this.defaultPrevented = true;
  }
  stopPropagation() {}
  stopImmediatePropagation() {
    this.stopped = true;
  }
}

export class EventTarget {
  #listeners = [];
  addEventListener(type, listener, options) {
    const once = typeof options === "object" && !!options?.once;
    if (listener && !this.#listeners.some((l) => l.type === type && l.listener === listener)) this.#listeners.push({ type, listener, once });
  }
  removeEventListener(type, listener) {
    this.#listeners = this.#listeners.filter((l) => l.type !== type || l.listener !== listener);
  }
  dispatchEvent(event) {
    event.target = this;
    for (const l of this.#listeners.filter((l) => l.type === event.type)) {
      if (l.once) this.removeEventListener(l.type, l.listener);
      if (typeof l.listener === "function") l.listener.call(this, event);
      else l.listener.handleEvent(event);
      if (event.stopped) break;
    }
    return !event.defaultPrevented;
  }
}

const key = Symbol();

export class AbortSignal extends EventTarget {
  aborted = false;
  reason = undefined;
  onabort = null;
  constructor(k) {
    super();
    if (k !== key) throw new TypeError("AbortSignal is made by an AbortController");
  }
  throwIfAborted() {
    if (this.aborted) throw this.reason;
  }
  [key](reason = new DOMException("This operation was aborted", "AbortError")) {
    if (this.aborted) return;
    Object.assign(this, { aborted: true, reason });
    const event = new Event("abort");
    this.onabort?.(event);
    this.dispatchEvent(event);
  }
  static abort(reason) {
    const signal = new AbortSignal(key);
    signal[key](reason);
    return signal;
  }
  static timeout(ms) {
    const signal = new AbortSignal(key);
    addTimer(() => signal[key](new DOMException("The operation was aborted due to timeout", "TimeoutError")), ms, false, true);
    return signal;
  }
  static any(signals) {
    const signal = new AbortSignal(key);
    for (const s of signals) {
      if (s.aborted) signal[key](s.reason);
      else s.addEventListener("abort", () => signal[key](s.reason));
    }
    return signal;
  }
}

export class AbortController {
  signal = new AbortSignal(key);
  abort(reason) {
    this.signal[key](reason);
  }
}
