// Package control reads and steers the runs of a state directory, from the
// process that has it open, or through it from another.
//
// A [Desk] does both in the process itself: over an engine, the runs that it
// drives, and the journals of those that nobody does. A [Server] lets other
// processes of the same user do it over a Unix socket in the directory
// ([Listen]); a [Client] is a Desk as seen through that socket, with the same
// errors. [Status] sorts those errors, so that both sides end the same way.
//
// What is said over the socket is between two processes of one version, on one
// machine: it is no API. The package knows no handlers and no files but the
// socket.
package control
