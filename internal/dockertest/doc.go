// Package dockertest gives tests a real Docker daemon, and images that come from
// no registry.
//
// [Daemon] finds the daemon; a test without one is skipped, loudly, and fails in
// continuous integration, where there has to be one. [Image] makes an image from
// the files that a test names, [Busybox] one with a shell and its tools, [Program]
// builds a Go package to put into an image. [Run] runs a command in a container.
// [Registry] and [PrivateRegistry] start a real registry on the loopback, which
// [Push] fills. [Left] fails a test that left containers, mounts or sockets.
//
// Images are kept for the next run: their tag is the digest of their content, so
// they are made once on a machine, also by test processes at the same time. The
// package speaks the daemon's HTTP API itself and knows nothing of what is tested.
package dockertest
