// Package streamtext writes what JetStream keeps as text, and makes it anew of that
// text on another server: the streams with their settings and consumers, and their
// messages with subjects, headers, bytes and sequence numbers.
//
// [Write] and [Read] are for test data that shows what a version of graflow-wasm has
// stored: a server's own files are binary, of that server's version, and hold more
// than was stored. They are not for backups: what is written meanwhile may be missing,
// and times are those of the second server.
//
// The form is JSON values, one a line: a stream, its messages, the next stream. It
// knows nothing of what the messages mean.
package streamtext
