// Package server starts the databases that other queues keep their jobs in: each
// on loopback, on a free port, in a directory of its own, with nothing of the
// machine's own configuration, and ends them again. Nothing is left behind.
//
// Servers are found, not installed: on Debian, apt-get install redis-server
// postgresql. [ErrMissing] tells that one isn't there.
package server
