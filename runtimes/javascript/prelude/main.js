// What the reactor calls. run(document) answers with JSON text, an error
// document, or 1 after fail; warm() leaves caches as a first run would.
import "./globals.js";
import { run } from "./run.js";
import { warm } from "./warm.js";

export { run, warm };
