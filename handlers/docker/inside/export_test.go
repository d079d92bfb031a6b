package inside

import "testing"

// Match says whether a name is of a checked pattern.
func Match(tb testing.TB, text, name string) bool {
	tb.Helper()
	p, err := parsePattern(text)
	if err != nil {
		tb.Fatal(err)
	}
	return p.match(name)
}
