// Package wasip1 is WASI preview 1 (wasi_snapshot_preview1) as plain functions
// over a [State] that belongs to one attempt.
//
// [Functions] lists all 46 functions; a host offers them to guests and calls
// [Function.Run] with the attempt's State and the guest's memory. A State holds
// the descriptors, the place in stdin, the clock and the random source, so an
// instance can be pooled and reset while nothing of a task stays behind.
//
// Files are those of package guestfs. There are no sockets, no signals and no
// way to make links. Descriptors 0 to 2 never wait: stdin is a byte slice, and
// stdout and stderr are the host's writers. Only poll_oneoff waits, and it obeys
// its context. [Exit] and [Interrupted] are panics that the host recovers.
//
// It knows nothing of wazero's instances, of limits other than its own, and of
// how time is counted in fuel.
//
// The specification is
// https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md
package wasip1
