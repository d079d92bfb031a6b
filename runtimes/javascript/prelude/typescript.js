// TypeScript to JavaScript by sucrase, which only takes types away: lines stay.
// Its parts are put together here as its own transform does it, without what checks options.
import { HelperManager } from "sucrase/dist/esm/HelperManager.js";
import identifyShadowedGlobals from "sucrase/dist/esm/identifyShadowedGlobals.js";
import NameManager from "sucrase/dist/esm/NameManager.js";
import { parse } from "sucrase/dist/esm/parser/index.js";
import TokenProcessor from "sucrase/dist/esm/TokenProcessor.js";
import RootTransformer from "sucrase/dist/esm/transformers/RootTransformer.js";
import getTSImportedNames from "sucrase/dist/esm/util/getTSImportedNames.js";

const options = { transforms: ["typescript"], disableESTransforms: true };

function transform(code) {
  const { tokens, scopes } = parse(code, false, true, false);
  const nameManager = new NameManager(code, tokens);
  const helperManager = new HelperManager(nameManager);
  const tokenProcessor = new TokenProcessor(code, tokens, false, true, helperManager);
  identifyShadowedGlobals(tokenProcessor, scopes, getTSImportedNames(tokenProcessor));
  const context = { tokenProcessor, scopes, nameManager, importProcessor: null, helperManager };
  return new RootTransformer(context, options.transforms, false, options).transform().code;
}

// stripTypes throws a SyntaxError with the place in the user's lines.
export function stripTypes(code, file) {
  let stripped;
  try {
    stripped = transform(code);
  } catch (error) {
    throw located(error, file);
  }
  refuseNamespaces(code, stripped, file);
  return stripped;
}

const namespace = /^[ \t]*(?:export[ \t]+)?(?:namespace|module)[ \t]+[\p{ID_Start}$_][\p{ID_Continue}$.]*[ \t]*\{/mu;

// refuseNamespaces finds namespaces, which sucrase takes for types and drops. Text in
// strings and comments is still there in what it gives.
function refuseNamespaces(code, stripped, file) {
  if (!namespace.test(code)) return;
  const after = stripped.split("\n");
  code.split("\n").forEach((line, i) => {
    if (!namespace.test(line) || namespace.test(after[i] ?? "")) return;
    const e = new SyntaxError("namespaces with values are not available: use a module, a class or a plain object");
    e.stack = `    at ${file}:${i + 1}:${line.search(/\S/) + 1}\n`;
    throw e;
  });
}

function located(error, file) {
  const [, text, line, column] = /^(?:Error transforming [^:]*: )?([^]*?)(?: \((\d+):(\d+)\))?$/.exec(error.message) ?? [];
  const e = new SyntaxError(text ?? error.message);
  if (line) e.stack = `    at ${file}:${line}:${column}\n`;
  return e;
}
