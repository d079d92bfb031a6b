// Package docker runs tasks in Docker containers, which are hardened unless their
// operator's [Policy] lets a flow loosen them.
//
// A [Handler] makes a container for each attempt, or takes a clean one from a pool.
// The container sees a read-only directory with the input, a socket and two FIFOs
// (docs/container-protocol.md); what it says there and prints is data, is bounded by
// [Limits], and has effects only through the engine, once its command has succeeded.
// It is stopped, killed and removed with its attempt; what a dead process left is
// removed by the next one on the machine, which tells it by a lock.
//
// With auto_mount the program itself is in the container, as package inside: it takes
// files out of trees in memory, runs one job after another, or a WebAssembly task
// behind a second wall.
//
// The daemon is trusted, and so is whoever may talk to it: docs/docker.md has the
// threat model. The package knows no flow files and no command line.
package docker
