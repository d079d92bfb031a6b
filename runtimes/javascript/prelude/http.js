// http_request, as a function that gives {status, headers, body}.
import { host } from "./host.js";
import { checked } from "./context.js";

// request sends at once and waits. headers: name to text or a list of texts; body: text or bytes.
export function request({ method = "GET", url, headers, body }) {
  const header = {};
  for (const [name, value] of headers ? entries(headers) : []) header[name] = String(value);
  const bytes = body === undefined || body === null ? undefined : typeof body === "string" ? host.encode(body) : body;
  const doc = { method, url: String(url), header, body: bytes && host.base64(bytes) };
  const answer = host.parse(checked(`${method} ${url}`, host.http(host.stringify(doc, "request"))));
  return { status: answer.status, headers: answer.header ?? {}, body: host.unbase64(answer.body ?? "") };
}

function entries(headers) {
  return typeof headers[Symbol.iterator] === "function" ? headers : Object.entries(headers);
}
