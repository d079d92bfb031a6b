import { write } from "./write";

/** What kind of a JSON value it is. */
export enum Kind {
  /** one that is not there */
  None,
  Null,
  Bool,
  Number,
  String,
  Array,
  Object,
}

/**
 * A JSON value. A number is kept as it was written, so that any size passes
 * unchanged. A value that is not there has kind None; every method takes it, and
 * finds nothing in it.
 */
export class Value {
  /** why the host gave none: a Code; 0 if that is not the reason */
  code: i32 = 0;
  /** the contents of a string, the literal of a number, or "true" */
  text: string = "";
  /** the elements of an array */
  items: Array<Value> = [];
  /** the members of an object, in order */
  members: Map<string, Value> = new Map<string, Value>();

  constructor(readonly kind: Kind) {}

  static none(code: i32 = 0): Value {
    const v = new Value(Kind.None);
    v.code = code;
    return v;
  }

  static null(): Value {
    return new Value(Kind.Null);
  }

  /** A string, number or boolean. Infinities and NaN become null: JSON has none. */
  static of<T>(value: T): Value {
    let kind = Kind.Null;
    let text = "";
    if (isString<T>()) {
      kind = Kind.String;
      text = <string>value;
    } else if (isBoolean<T>()) {
      kind = Kind.Bool;
      text = value ? "true" : "";
    } else if (isInteger<T>()) {
      kind = Kind.Number;
      text = value.toString();
    } else if (isFloat<T>()) {
      if (isFinite(value)) {
        kind = Kind.Number;
        text = value.toString();
      }
    } else {
      ERROR("Value.of takes a string, a number or a boolean");
    }
    const v = new Value(kind);
    v.text = text;
    return v;
  }

  /** The number that a literal of JSON writes. */
  static number(literal: string): Value {
    const v = new Value(Kind.Number);
    v.text = literal;
    return v;
  }

  static array(): Value {
    return new Value(Kind.Array);
  }

  static object(): Value {
    return new Value(Kind.Object);
  }

  /** Adds an element, and answers the array. */
  push(element: Value): Value {
    this.items.push(element);
    return this;
  }

  /** Sets a member, and answers the object. */
  set(key: string, value: Value): Value {
    this.members.set(key, value);
    return this;
  }

  /** The member of a name. */
  get(key: string): Value {
    return this.members.has(key) ? this.members.get(key) : Value.none();
  }

  /** The element at a place. */
  at(place: i32): Value {
    return place >= 0 && place < this.items.length ? this.items[place] : Value.none();
  }

  /** Whether there is a value at all. */
  get exists(): bool {
    return this.kind != Kind.None;
  }

  asString(otherwise: string = ""): string {
    return this.kind == Kind.String ? this.text : otherwise;
  }

  asBool(otherwise: bool = false): bool {
    return this.kind == Kind.Bool ? this.text.length > 0 : otherwise;
  }

  asFloat(otherwise: f64 = NaN): f64 {
    return this.kind == Kind.Number ? F64.parseFloat(this.text) : otherwise;
  }

  /** The number, if it is an integer of 64 bits, written as one. */
  asInt(otherwise: i64 = 0): i64 {
    if (this.kind != Kind.Number) return otherwise;
    const n = I64.parseInt(this.text);
    return n.toString() == this.text ? n : otherwise;
  }

  /** The text of the value in JSON; of none it is null. */
  toString(): string {
    return write(this);
  }
}
