// The globals that every run finds, and the modules that are built in.
import "./standards.js";
import { AbortController, AbortSignal, Event, EventTarget } from "./abort.js";
import { Buffer, buffer } from "./buffer.js";
import { structuredClone } from "./clone.js";
import { console } from "./console.js";
import { crypto, performance } from "./crypto.js";
import { DOMException, TextDecoder, TextEncoder, atob, btoa } from "./encoding.js";
import { ToolError } from "./errors.js";
import { fetch, Headers, Request, Response } from "./fetch.js";
import * as fs from "./fs.js";
import { Intl } from "./locale.js";
import { define, requireFrom } from "./modules.js";
import { assert, EventEmitter, process, util } from "./node_modules.js";
import { path } from "./path.js";
import { timers } from "./timers.js";
import { URL } from "./url.js";
import { URLSearchParams } from "./url_search.js";

const require = requireFrom("main.js");
const module = (require.main = { exports: {}, id: ".", filename: "main.js" });

const globals = {
  AbortController, AbortSignal, Buffer, DOMException, Event, EventTarget, Headers, Intl, Request, Response, TextDecoder, TextEncoder,
  ToolError, URL, URLSearchParams, atob, btoa, console, crypto, fetch, performance, process, require, module, exports: module.exports, structuredClone,
  ...timers,
};

for (const [name, value] of Object.entries(globals)) {
  Object.defineProperty(globalThis, name, { value, writable: true, enumerable: false, configurable: true });
}
Object.defineProperty(globalThis, "global", { value: globalThis, writable: true, enumerable: false, configurable: true });

define("graflow:fs", fs.own);
define("fs", fs.node);
define("fs/promises", fs.promises);
define("buffer", buffer);
define("path", path);
define("util", util);
define("assert", assert);
define("events", EventEmitter);
define("process", process);
define("timers/promises", { setTimeout: (ms, value) => new Promise((resolve) => timers.setTimeout(resolve, ms, value)) });
define("perf_hooks", { performance });
define("url", { URL, URLSearchParams, fileURLToPath: (u) => decodeURIComponent(new URL(u).pathname) });
define("timers", timers);
