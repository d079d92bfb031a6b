// Source to something that host.start runs: a script with top-level await, or a
// module if the code imports or exports.
import { host } from "./host.js";
import { stripTypes } from "./typescript.js";

const moduleSyntax = /^[ \t]*(?:import\b(?!\s*\()|export\b)/m;

// compile takes source.erased for the code without its types, if the host knows that.
export function compile(source, typescript) {
  if (typescript) source.code = source.erased ?? stripTypes(source.code, source.file);
  const code = parse(source);
  source.compiled = true;
  return code;
}

function parse({ code, file }) {
  if (!moduleSyntax.test(code)) return host.evaluate(code, file, false);
  try {
    return host.evaluate(code, file, false);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return host.evaluate(code, file, true);
  }
}
