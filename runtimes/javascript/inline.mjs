// inline.mjs DIRECTORY SUCRASE writes the numbers of sucrase's enums where their names are.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

const [root, sucrase] = process.argv.slice(2).map((name) => resolve(name));
const load = (file) => import("data:text/javascript," + encodeURIComponent(readFileSync(join(sucrase, file), "utf8")));
const { TokenType } = await load("parser/tokenizer/types.js");
const { ContextualKeyword } = await load("parser/tokenizer/keywords.js");
const { charCodes } = await load("parser/util/charcodes.js");
const enums = { tt: TokenType, TokenType, ContextualKeyword, charCodes };

for (const name of readdirSync(root, { recursive: true })) {
  if (!name.endsWith(".js")) continue;
  const text = readFileSync(join(root, name), "utf8");
  const inlined = text.replace(/\b(tt|TokenType|ContextualKeyword|charCodes)\.(\w+)\b/g, (all, of, member) => {
    const value = enums[of][member];
    return typeof value === "number" ? String(value) : all;
  });
  if (inlined !== text) writeFileSync(join(root, name), inlined);
}
