// What the reactor calls. run(document) answers with JSON text or an error document,
// erase(document) with a document; warm() leaves caches as a first run would.
import "./globals.js";
import { erase, run } from "./run.js";
import { warm } from "./warm.js";

export { erase, run, warm };
