// Package control reads and steers runs: those of a state directory, from the
// process that has it open or through it from another, and those of a cluster
// through the process that drives them.
//
// A [Desk] does both in the process itself: over an engine, the runs that it
// drives, and the journals of those that nobody does. A [Server] lets other
// processes of the same user do it over a Unix socket in the directory
// ([Listen]); a [Client] is a Desk as seen through that socket, with the same
// errors. [Status] sorts those errors, so that both sides end the same way.
//
// On a cluster the process that drives a run answers from a [Share] of its engine
// what others ask through a [Steerer]: the same methods as over the socket, carried
// by whoever makes them. Reading needs nobody: all may read the journals.
//
// What is said over the socket is between two processes of one version, on one
// machine: it is no API. The package knows no handlers and no files but the
// socket.
package control
