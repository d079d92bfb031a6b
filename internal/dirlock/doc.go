// Package dirlock locks a directory for one process at a time, by a file in it.
//
// [Take] holds the lock until it is closed, or the process ends however; whoever
// finds it taken is told by which process. It knows nothing of what is kept in the
// directory: its caller says by which error a lock that is taken is told.
package dirlock
