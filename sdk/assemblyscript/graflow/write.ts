import { Kind, Value } from "./value";

/** The text of a value in JSON. */
export function write(v: Value): string {
  const parts = new Array<string>();
  add(parts, v);
  return parts.join("");
}

function add(to: Array<string>, v: Value): void {
  switch (v.kind) {
    case Kind.Bool:
      to.push(v.text.length > 0 ? "true" : "false");
      return;
    case Kind.Number:
      to.push(v.text);
      return;
    case Kind.String:
      addString(to, v.text);
      return;
    case Kind.Array:
      addArray(to, v);
      return;
    case Kind.Object:
      addObject(to, v);
      return;
    default:
      to.push("null");
  }
}

function addArray(to: Array<string>, v: Value): void {
  to.push("[");
  for (let i = 0; i < v.items.length; i++) {
    if (i > 0) to.push(",");
    add(to, v.items[i]);
  }
  to.push("]");
}

function addObject(to: Array<string>, v: Value): void {
  to.push("{");
  const keys = v.members.keys();
  for (let i = 0; i < keys.length; i++) {
    if (i > 0) to.push(",");
    addString(to, keys[i]);
    to.push(":");
    add(to, v.members.get(keys[i]));
  }
  to.push("}");
}

function addString(to: Array<string>, s: string): void {
  to.push('"');
  let plain = 0; // from here on nothing is written yet
  for (let i = 0; i < s.length; i++) {
    const c = s.charCodeAt(i);
    if (c >= 0x20 && c != 0x22 && c != 0x5c) continue;
    to.push(s.substring(plain, i));
    to.push(c < 0x20 ? "\\u" + c.toString(16).padStart(4, "0") : "\\" + String.fromCharCode(c));
    plain = i + 1;
  }
  to.push(plain == 0 ? s : s.substring(plain));
  to.push('"');
}
