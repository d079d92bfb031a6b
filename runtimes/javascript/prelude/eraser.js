// Sucrase's transformer with short ways for what most tokens are: code that stays, copied
// in long pieces, and types, which go. What it comes to is the same.
import { ContextualKeyword } from "sucrase/dist/esm/parser/tokenizer/keywords.js";
import { TokenType as tt } from "sucrase/dist/esm/parser/tokenizer/types.js";
import TokenProcessor from "sucrase/dist/esm/TokenProcessor.js";
import RootTransformer from "sucrase/dist/esm/transformers/RootTransformer.js";

// What a type of token may mean, by the number in it: see special.
const plain = 0;
const always = 1;
const kinds = new Uint8Array(256);
const kindOf = (type) => kinds[type >>> 10];
const mark = (kind, ...types) => types.forEach((type) => (kinds[type >>> 10] = kind));

const opensBrace = 2;
const closesBrace = 3;
const opensParen = 4;
const closesParen = 5;
const isConst = 6;
const isName = 7;
mark(always, tt._class, tt._import, tt._export, tt._enum, tt._async, tt.nonNullAssertion);
mark(always, tt._public, tt._protected, tt._private, tt._abstract, tt._readonly, tt._override);
mark(opensBrace, tt.braceL, tt.dollarBraceL);
mark(closesBrace, tt.braceR);
mark(opensParen, tt.parenL);
mark(closesParen, tt.parenR);
mark(isConst, tt._const);
mark(isName, tt.name);

const lineEnd = /[\r\n]/;

// Editor is a TokenProcessor that keeps no map of places, which nobody reads.
export class Editor extends TokenProcessor {
  // blanks is the text before the token at i.
  blanks(i) {
    const { tokens, code } = this;
    const from = i > 0 ? tokens[i - 1].end : 0;
    const to = i < tokens.length ? tokens[i].start : code.length;
    return from === to ? "" : code.slice(from, to);
  }

  previousWhitespaceAndComments() {
    return this.blanks(this.tokenIndex);
  }

  copyToken() {
    this.copyFrom(this.tokenIndex, this.tokenIndex + 1);
  }

  // copyFrom copies the tokens from one to before another, and goes there.
  copyFrom(first, next) {
    const { tokens } = this;
    this.resultCode += this.code.slice(first > 0 ? tokens[first - 1].end : 0, tokens[next - 1].end);
    this.tokenIndex = next;
  }

  replaceTokenTrimmingLeftWhitespace(newCode) {
    const blanks = this.blanks(this.tokenIndex);
    if (blanks !== "" && blanks !== " " && lineEnd.test(blanks)) this.resultCode += blanks.replace(/[^\r\n]/g, "");
    if (newCode !== "") this.resultCode += newCode;
    this.tokenIndex++;
  }
}

// Eraser is a RootTransformer for TypeScript alone.
export class Eraser extends RootTransformer {
  processToken() {
    const { tokens, tokenIndex } = this.tokens;
    const token = tokens[tokenIndex];
    if (this.special(token, tokens[tokenIndex + 1])) super.processToken();
    else if (token.isType) this.processPossibleTypeRange();
    else this.tokens.copyToken();
  }

  // special tells whether a token may be neither code that stays nor a type.
  special(token, next) {
    switch (kindOf(token.type)) {
      case always:
        return true;
      case closesParen:
        return next.type === tt.colon && next.isType;
      case isConst:
        return next.type === tt._enum;
      case isName:
        return token.contextualKeyword === ContextualKeyword._async;
    }
    return false;
  }

  processBalancedCode() {
    const { tokens: editor } = this;
    const { tokens } = editor;
    const end = tokens.length;
    let braces = 0;
    let parens = 0;
    let first = editor.tokenIndex; // of those that were passed and are to be copied
    let at = first;
    for (; at < end; ) {
      const token = tokens[at];
      const kind = kindOf(token.type);
      if (kind === opensBrace) braces++;
      else if (kind === closesBrace && braces-- === 0) break;
      else if (kind === opensParen) parens++;
      else if (kind === closesParen && parens-- === 0) break;
      if (!token.isType && (kind === plain || !this.special(token, tokens[at + 1]))) {
        at++;
        continue;
      }
      if (first < at) editor.copyFrom(first, at);
      this.processToken();
      first = at = editor.tokenIndex;
    }
    if (first < at) editor.copyFrom(first, at);
  }
}
