package flowfile

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/graflow/graflow-wasm/engine"
)

// Error is one fault of a flow file.
type Error struct {
	File    string
	Line    int // 1-based
	Column  int // 1-based, in characters
	Message string
	Snippet string // the line, and a caret below the column; may be empty
}

// Error implements error: file:line:column: message, and the snippet below.
func (e *Error) Error() string {
	s := fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Message)
	if e.Snippet != "" {
		s += "\n" + e.Snippet
	}
	return s
}

// Errors are the faults of a flow file, by position. It is never empty.
type Errors []*Error

// Error implements error.
func (e Errors) Error() string {
	texts := make([]string, len(e))
	for i, one := range e {
		texts[i] = one.Error()
	}
	return strings.Join(texts, "\n")
}

// Unwrap returns the single errors.
func (e Errors) Unwrap() []error {
	all := make([]error, len(e))
	for i, one := range e {
		all[i] = one
	}
	return all
}

// sorted orders errors by position, those of the file first before those of its
// sub-flows, and keeps one of those that are the same.
func (e Errors) sorted(first string) Errors {
	slices.SortStableFunc(e, func(a, b *Error) int {
		switch {
		case a.File != b.File && a.File == first:
			return -1
		case a.File != b.File && b.File == first:
			return 1
		}
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return slices.CompactFunc(e, func(a, b *Error) bool { return *a == *b })
}

// Locate gives each [*engine.BuildError] in err, joined or wrapped, its place
// in the file, or in that of a sub-flow. The result is [Errors], joined with
// whatever else err holds.
func (f *File) Locate(err error) error {
	faults, rest := f.split(err)
	if len(faults) == 0 {
		return err
	}
	located := make(Errors, 0, len(faults))
	for _, b := range faults {
		located = append(located, f.located(b.At, b.Message))
	}
	if len(rest) == 0 {
		return located.sorted(f.Name)
	}
	return errors.Join(append([]error{located.sorted(f.Name)}, rest...)...)
}

// located makes the error at a path of the spec. That of something in a
// sub-flow is tasks.ID.spec. and the path there.
func (f *File) located(at, message string) *Error {
	if task, inner, ok := strings.Cut(strings.TrimPrefix(at, "tasks."), ".spec."); ok && f.subs[task] != nil {
		return f.subs[task].located(inner, message)
	}
	return f.fault(f.place(at), message)
}

// split parts err into the engine's faults and everything else.
func (f *File) split(err error) (faults []*engine.BuildError, rest []error) {
	if err == nil {
		return nil, nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			b, r := f.split(e)
			faults, rest = append(faults, b...), append(rest, r...)
		}
		return faults, rest
	}
	if b, ok := errors.AsType[*engine.BuildError](err); ok {
		return []*engine.BuildError{b}, nil
	}
	return nil, []error{err}
}

// suggest returns ` (did you mean "x"?)` for the known word that is closest to
// word, or "" if none is near.
func suggest(word string, known []string) string {
	best, least := "", max(1, min(3, len(word)/3))+1
	for _, k := range known {
		if d := distance(word, k); d < least {
			best, least = k, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %q?)", best)
}

// distance is the number of edits from a to b; swapping two neighbors is one.
func distance(a, b string) int {
	const far = 1 << 10
	if len(a) > 64 || len(b) > 64 {
		return far
	}
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			d := min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, rows[i-2][j-2]+1)
			}
			rows[i][j] = d
		}
	}
	return rows[len(a)][len(b)]
}
