// TypeScript to JavaScript by sucrase, which only takes types away: lines stay.
// Its parts are put together here as its own transform does it, without what checks options.
import { HelperManager } from "sucrase/dist/esm/HelperManager.js";
import identifyShadowedGlobals from "sucrase/dist/esm/identifyShadowedGlobals.js";
import NameManager from "sucrase/dist/esm/NameManager.js";
import { parse } from "sucrase/dist/esm/parser/index.js";
import { scanBy } from "sucrase/dist/esm/parser/tokenizer/index.js";
import { READ_WORD_TREE } from "sucrase/dist/esm/parser/tokenizer/readWordTree.js";
import getTSImportedNames from "sucrase/dist/esm/util/getTSImportedNames.js";
import { host } from "./host.js";
import { Editor, Eraser } from "./eraser.js";

scanBy(host.scan, READ_WORD_TREE);

const withModules = { transforms: ["typescript"], disableESTransforms: true };
const withoutModules = { ...withModules, keepUnusedImports: true }; // there are none: nothing is to be looked for

// Names finds free names, for which it reads the code when the first is asked for.
class Names {
  constructor(code, tokens) {
    this.claimFreeName = (name) => (this.all ??= new NameManager(code, tokens)).claimFreeName(name);
  }
}

function transform(code) {
  const { tokens, scopes } = parse(code, false, true, false);
  const nameManager = new Names(code, tokens);
  const helperManager = new HelperManager(nameManager);
  const tokenProcessor = new Editor(code, tokens, false, true, helperManager);
  const modules = code.includes("import") || code.includes("export");
  if (modules) identifyShadowedGlobals(tokenProcessor, scopes, getTSImportedNames(tokenProcessor));
  const context = { tokenProcessor, scopes, nameManager, importProcessor: null, helperManager };
  const options = modules ? withModules : withoutModules;
  return new Eraser(context, options.transforms, false, options).transform().code;
}

// stripTypes throws a SyntaxError with the place in the user's lines.
export function stripTypes(code, file) {
  let stripped;
  try {
    stripped = transform(code);
  } catch (error) {
    throw located(error, file);
  }
  if (code.includes("namespace") || code.includes("module")) refuseNamespaces(code, stripped, file);
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
