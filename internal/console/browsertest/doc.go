// Package browsertest sees pages in a real Chromium, for tests: a [Window] opens pages,
// clicks and types, waits for what is to be seen, and has the test fail if the
// browser's console tells of anything wrong, or if a page asks another server.
package browsertest
