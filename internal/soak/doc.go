// Package soak runs flows on a cluster whose processes are killed, suspended and
// restarted at random, and whose network is cut, falls silent and is slow, and then
// checks that nothing was lost or done twice.
//
// [Run] starts NATS servers and workers as processes of their own, which are this
// program once more ([Child]); submits runs of several kinds at a steady rate, steers
// some of them, and has a seeded schedule of faults work on the processes. Then the
// faults stop, everything is to settle, and the log of each accepted run is read and
// compared with what its submitter was told, with what its kind must have come to,
// and with what workers wrote down when they executed something.
//
// The rules are in check.go: a [Finding] is a rule that was broken.
//
// The package knows nothing of how an engine or a bus work inside: it uses what they
// export.
package soak
