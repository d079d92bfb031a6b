// Package ops is what can be asked of a running graflow-wasm: its runs, flows,
// modules, queues, workers, dead letters, schedules and secrets, and to run code that
// nobody trusts.
//
// A [Service] bundles it, each part a small interface. Two things implement them: the
// process that is part of a cluster, and package internal/api/client, which asks such
// a process over HTTP. Package internal/api serves a Service over HTTP, package
// internal/console shows one to people, and the command works on one wherever it is.
//
// # Errors
//
// What was asked wrongly is an error of package engine or internal/control, or an
// [Invalid], [ErrDenied] or [ErrLimited]; [Status] tells which. All else is a fault.
//
// All methods are safe for concurrent use. The package knows no HTTP, no NATS and no
// flags.
package ops
