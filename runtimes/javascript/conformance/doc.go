// Package conformance runs tests of others on the JavaScript runtime and compares
// how many pass with results.md, which `go test -update` writes anew:
//
//   - the tests of QuickJS itself, function by function;
//   - the parser tests of test262 (npm test262-parser-tests): what must parse, and
//     what must not.
//
// Both come with the sources that runtimes/build.sh fetched; without them the tests
// are skipped, but not in CI.
package conformance
