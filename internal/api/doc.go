// Package api serves an [ops.Service] over HTTP: JSON in and out, errors as
// application/problem+json, what happens in runs as server-sent events, described by
// an OpenAPI 3.1 document that it serves as well.
//
// [New] makes a [Server] of a [Config]; [Server.Handler] is to be mounted at /v1/ and
// /openapi.json; [NewHTTPServer] has sane bounds for whoever listens. Each request goes
// through the same gates, in this order: a frame (request id, headers, access log,
// panics), the route, a token with a role ([Tokens]), its rate, the size of its body,
// the schema of its input, and then the operation. What each operation needs is in one
// table, of roles, and in the call that adds it.
//
// The package knows no NATS, no engine that runs, no flags and no pages.
package api
