// Package conformance runs CPython's own tests in the runtime for Python, as far as
// they are of modules that it has. They come from the sources that make runtimes
// fetches, none of them is kept here. results.txt has what came of them.
//
//	CONFORMANCE=1 go test -timeout 30m ./runtimes/python/conformance [-update]
package conformance
