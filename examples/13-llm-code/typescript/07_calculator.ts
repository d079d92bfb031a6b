type TokenKind = "number" | "name" | "op" | "end";
interface Token {
  kind: TokenKind;
  text: string;
  at: number;
}

type Expr =
  | { kind: "num"; value: number }
  | { kind: "var"; name: string }
  | { kind: "unary"; op: "-"; arg: Expr }
  | { kind: "binary"; op: string; left: Expr; right: Expr }
  | { kind: "call"; name: string; args: Expr[] };

class ParseError extends Error {
  constructor(message: string, readonly at: number) {
    super(`${message} at ${at}`);
  }
}

function* tokenize(source: string): Generator<Token> {
  const pattern = /\s*(?:(?<number>\d+(?:\.\d+)?(?:e[+-]?\d+)?)|(?<name>[a-z_]\w*)|(?<op>\*\*|[-+*/%(),]))/iy;
  let at = 0;
  while (source.slice(at).trim() !== "") {
    pattern.lastIndex = at;
    const m = pattern.exec(source);
    if (!m?.groups) {
      at += source.slice(at).search(/\S/);
      throw new ParseError(`unexpected ${JSON.stringify(source[at])}`, at);
    }
    const [kind, text] = Object.entries(m.groups).find(([, v]) => v !== undefined) as [TokenKind, string];
    yield { kind, text, at: pattern.lastIndex - text.length };
    at = pattern.lastIndex;
  }
  yield { kind: "end", text: "", at: source.length };
}

const PRECEDENCE: Readonly<Record<string, number>> = { "+": 1, "-": 1, "*": 2, "/": 2, "%": 2, "**": 4 };

class Parser {
  private readonly tokens: Token[];
  private pos = 0;

  constructor(source: string) {
    this.tokens = Array.from(tokenize(source));
  }

  private get current(): Token {
    return this.tokens[this.pos]!;
  }

  private accept(text: string): boolean {
    if (this.current.text !== text || this.current.kind !== "op") return false;
    this.pos++;
    return true;
  }

  private expect(text: string): void {
    if (!this.accept(text)) throw new ParseError(`expected ${JSON.stringify(text)}`, this.current.at);
  }

  parse(): Expr {
    const expr = this.expression(0);
    if (this.current.kind !== "end") throw new ParseError(`unexpected ${JSON.stringify(this.current.text)}`, this.current.at);
    return expr;
  }

  private expression(min: number): Expr {
    let left = this.prefix();
    for (;;) {
      const op = this.current.text;
      const precedence = this.current.kind === "op" ? (PRECEDENCE[op] ?? 0) : 0;
      if (precedence === 0 || precedence < min) return left;
      this.pos++;
      const right = this.expression(op === "**" ? precedence : precedence + 1);
      left = { kind: "binary", op, left, right };
    }
  }

  private prefix(): Expr {
    const token = this.current;
    if (this.accept("-")) return { kind: "unary", op: "-", arg: this.expression(3) };
    if (this.accept("(")) {
      const inner = this.expression(0);
      this.expect(")");
      return inner;
    }
    this.pos++;
    if (token.kind === "number") return { kind: "num", value: Number(token.text) };
    if (token.kind !== "name") throw new ParseError("expected a value", token.at);
    if (!this.accept("(")) return { kind: "var", name: token.text };
    const args: Expr[] = [];
    if (!this.accept(")")) {
      do args.push(this.expression(0));
      while (this.accept(","));
      this.expect(")");
    }
    return { kind: "call", name: token.text, args };
  }
}

type Scope = Record<string, number | ((...args: number[]) => number)>;

function evaluate(expr: Expr, scope: Scope): number {
  switch (expr.kind) {
    case "num":
      return expr.value;
    case "var": {
      const value = scope[expr.name];
      if (typeof value !== "number") throw new ReferenceError(`${expr.name} is not defined`);
      return value;
    }
    case "unary":
      return -evaluate(expr.arg, scope);
    case "call": {
      const fn = scope[expr.name];
      if (typeof fn !== "function") throw new ReferenceError(`${expr.name} is not a function`);
      return fn(...expr.args.map((a) => evaluate(a, scope)));
    }
    case "binary": {
      const [l, r] = [evaluate(expr.left, scope), evaluate(expr.right, scope)];
      const ops: Record<string, (a: number, b: number) => number> = {
        "+": (a, b) => a + b, "-": (a, b) => a - b, "*": (a, b) => a * b,
        "/": (a, b) => a / b, "%": (a, b) => a % b, "**": (a, b) => a ** b,
      };
      return ops[expr.op]!(l, r);
    }
  }
}

export default function main(input: { lines: string[]; variables: Record<string, number> }) {
  const scope: Scope = { pi: 3.14159, max: Math.max, sqrt: Math.sqrt, ...input.variables };
  return input.lines.map((line) => {
    try {
      const value = evaluate(new Parser(line).parse(), scope);
      console.log(`${line} = ${value}`);
      return { line, value };
    } catch (e) {
      const error = e as Error;
      console.log(`${line}: ${error.message}`);
      return { line, error: error.constructor.name, at: e instanceof ParseError ? e.at : null };
    }
  });
}
