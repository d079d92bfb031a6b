package main

import (
	"fmt"
	"strings"
)

// deedError is an error with the deed in front that it ended, as "resume run r1".
type deedError struct {
	deed string
	err  error
}

// failed says of what was done that it failed. Nil stays nil.
func failed(deed string, err error) error {
	if err == nil {
		return nil
	}
	return &deedError{deed, err}
}

// Error implements error. What the deed says already is not said again.
func (e *deedError) Error() string {
	text := e.err.Error()
	verb, run, ok := strings.Cut(e.deed, " run ")
	if !ok {
		return e.deed + ": " + text
	}
	name := fmt.Sprintf("run %q: ", run)
	for again := true; again; {
		before := text
		for _, known := range []string{name, "history: ", "history of " + name, "recover " + name, verb + " " + name, verb + ": "} {
			text = strings.TrimPrefix(text, known)
		}
		if rest, ok := strings.CutPrefix(text, verb+` "`); ok { // a pause of it
			text = `"` + rest
		}
		again = text != before
	}
	return e.deed + ": " + text
}

// Unwrap returns the error as it was.
func (e *deedError) Unwrap() error { return e.err }
