// Package check holds the tests of what is in packaging: each file is read by the tool's
// own package or program, each command line in it by the command, and the image and
// what is written for Docker and for Kubernetes are run on a Docker daemon.
//
// It is a module of its own, so that those tools do not enter ours; `make packaging-check`
// runs it.
package check
