import { Value } from "./value";

/** How deep values nest at most. */
const DEPTH = 1000;

/** The value that a JSON text is, or none if the text is not JSON. */
export function parse(text: string): Value {
  const p = new Parser(text);
  const value = p.value(DEPTH);
  p.space();
  return p.at < text.length || p.failed ? Value.none() : value;
}

class Parser {
  at: i32 = 0;
  failed: bool = false;

  constructor(private text: string) {}

  value(depth: i32): Value {
    this.space();
    const c = this.peek();
    if (c == 0x7b) return this.object(depth);
    if (c == 0x5b) return this.array(depth);
    if (c == 0x22) return Value.of(this.string());
    if (this.word("true")) return Value.of(true);
    if (this.word("false")) return Value.of(false);
    if (this.word("null")) return Value.null();
    return this.number();
  }

  private object(depth: i32): Value {
    const v = Value.object();
    this.at++;
    if (depth == 0) return this.fail();
    if (this.skip(0x7d)) return v;
    while (!this.failed) {
      this.space();
      if (this.peek() != 0x22) return this.fail();
      const key = this.string();
      if (!this.skip(0x3a)) return this.fail();
      v.set(key, this.value(depth - 1));
      if (this.skip(0x7d)) return v;
      if (!this.skip(0x2c)) return this.fail();
    }
    return v;
  }

  private array(depth: i32): Value {
    const v = Value.array();
    this.at++;
    if (depth == 0) return this.fail();
    if (this.skip(0x5d)) return v;
    while (!this.failed) {
      v.push(this.value(depth - 1));
      if (this.skip(0x5d)) return v;
      if (!this.skip(0x2c)) return this.fail();
    }
    return v;
  }

  private number(): Value {
    const start = this.at;
    if (this.peek() == 0x2d) this.at++;
    if (this.peek() == 0x30) this.at++;
    else this.digits();
    if (this.peek() == 0x2e) {
      this.at++;
      this.digits();
    }
    if ((this.peek() | 0x20) == 0x65) {
      this.at++;
      if (this.peek() == 0x2b || this.peek() == 0x2d) this.at++;
      this.digits();
    }
    return Value.number(this.text.substring(start, this.at));
  }

  private digits(): void {
    const start = this.at;
    while (this.peek() >= 0x30 && this.peek() <= 0x39) this.at++;
    if (this.at == start) this.failed = true;
  }

  private string(): string {
    let start = ++this.at;
    let before = "";
    let c = this.peek();
    for (; c >= 0x20 && c != 0x22; c = this.peek()) {
      if (c == 0x5c) {
        before += this.text.substring(start, this.at) + this.escape();
        start = this.at;
      } else {
        this.at++;
      }
    }
    if (c != 0x22) this.failed = true;
    const end = this.at++;
    return before + this.text.substring(start, end);
  }

  private escape(): string {
    const c = this.text.charAt(this.at + 1);
    this.at += 2;
    if (c == "n") return "\n";
    if (c == "t") return "\t";
    if (c == "r") return "\r";
    if (c == "b") return "\b";
    if (c == "f") return "\f";
    if (c == '"' || c == "\\" || c == "/") return c;
    if (c == "u") return this.unicode();
    this.failed = true;
    return "";
  }

  /** A character by its number, in two halves if it is large. */
  private unicode(): string {
    const first = this.hex();
    if (first < 0xd800 || first > 0xdfff) return String.fromCharCode(first);
    if (first < 0xdc00 && this.text.substr(this.at, 2) == "\\u") {
      const back = this.at;
      this.at += 2;
      const second = this.hex();
      if (second >= 0xdc00 && second <= 0xdfff) return String.fromCharCode(first, second);
      this.at = back;
    }
    return "\ufffd"; // half a character alone is not Unicode
  }

  private hex(): i32 {
    let n = 0;
    for (let i = 0; i < 4; i++, this.at++) {
      const c = this.peek();
      const digit = c >= 0x30 && c <= 0x39 ? c - 0x30 : (c | 0x20) >= 0x61 && (c | 0x20) <= 0x66 ? (c | 0x20) - 0x57 : -1;
      if (digit < 0) this.failed = true;
      n = (n << 4) | digit;
    }
    return n;
  }

  private word(word: string): bool {
    if (this.text.substr(this.at, word.length) != word) return false;
    this.at += word.length;
    return true;
  }

  /** The code unit here, or -1 at the end. */
  private peek(): i32 {
    return this.at < this.text.length ? this.text.charCodeAt(this.at) : -1;
  }

  private skip(c: i32): bool {
    this.space();
    if (this.peek() != c) return false;
    this.at++;
    return true;
  }

  space(): void {
    while (this.at < this.text.length) {
      const c = this.text.charCodeAt(this.at);
      if (c != 0x20 && c != 0x0a && c != 0x0d && c != 0x09) return;
      this.at++;
    }
  }

  private fail(): Value {
    this.failed = true;
    return Value.none();
  }
}
