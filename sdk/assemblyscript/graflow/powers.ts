// What needs a grant.

import * as abi from "./abi";
import { decode, encode } from "./base64";
import { Bytes, reply, replyBytes } from "./bytes";
import { Code } from "./code";
import { Value } from "./value";

/** A secret, a string; none without the grant. */
export function secret(name: string): Value {
  const n = Bytes.of(name);
  const len = abi.secret_get(n.at, n.len);
  const bytes = replyBytes(len);
  return bytes === null ? Value.none(<i32>len) : Value.of(String.UTF8.decode(bytes));
}

/** Calls a tool of the embedding program. */
export function tool(name: string, args: Value): Value {
  const n = Bytes.of(name);
  const a = Bytes.of(args.toString());
  return reply(abi.tool_call(n.at, n.len, a.at, a.len));
}

/**
 * Calls several tools, all at once: an array of {"name", "args"} is answered with
 * one of {"value"} or {"error": {"kind", "message"}}, in the same order.
 */
export function tools(calls: Value): Value {
  const bytes = Bytes.of(calls.toString());
  return reply(abi.tool_calls(bytes.at, bytes.len));
}

/** What answers a request. */
export class Response {
  /** why there is none, a Code; 0 if there is one */
  code: i32 = 0;
  /** 400 or more is no error */
  status: i32 = 0;
  /** {"Content-Type": ["text/plain"]} */
  header: Value = Value.none();
  body: ArrayBuffer = new ArrayBuffer(0);

  /** The body as text. */
  text(): string {
    return String.UTF8.decode(this.body);
  }
}

/**
 * Sends a request under the attempt's egress rules, and waits for the whole
 * response. The header is an object of strings, or none.
 */
export function http(method: string, url: string, header: Value = Value.none(), body: ArrayBuffer = new ArrayBuffer(0)): Response {
  const request = Value.object()
    .set("method", Value.of(method))
    .set("url", Value.of(url))
    .set("header", header)
    .set("body", Value.of(encode(body)));
  const bytes = Bytes.of(request.toString());
  const answer = reply(abi.http_request(bytes.at, bytes.len));
  const response = new Response();
  if (!answer.exists) {
    response.code = answer.code < 0 ? answer.code : Code.Invalid;
    return response;
  }
  response.status = <i32>answer.get("status").asInt();
  response.header = answer.get("header");
  response.body = decode(answer.get("body").asString());
  return response;
}
