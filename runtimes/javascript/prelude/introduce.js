// What a run finds as globals: input, ctx, tools, and every tool by its name.
import { context } from "./context.js";
import { toolFunctions } from "./tools.js";
import { offer } from "./modules.js";
import { process } from "./node_modules.js";

const identifier = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u;

export function introduce(doc) {
  const ctx = context(doc.meta ?? {});
  const tools = toolFunctions(doc.tools);
  const input = doc.input === undefined ? null : doc.input;
  for (const name in tools) {
    if (identifier.test(name) && !(name in globalThis)) put(name, tools[name]);
  }
  put("input", input);
  put("tools", tools);
  put("ctx", ctx);
  put("__name__", "__main__");
  process.argv = ["node", doc.file || "main.js", ...(doc.argv ?? [])];
  offer(ctx, tools, input);
}

// put defines a global that the code may declare again as its own.
function put(name, value) {
  Object.defineProperty(globalThis, name, { value, writable: true, enumerable: false, configurable: true });
}
