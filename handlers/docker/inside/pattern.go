package inside

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
)

// CheckPattern tells what is wrong with a pattern of files that a task leaves: a
// slash-separated path relative to the directory, whose elements are patterns of
// path.Match or "**", which is any number of directories. "**" at the end is
// every file below.
func CheckPattern(pattern string) error {
	if pattern == "" {
		return errors.New("the pattern is empty")
	}
	if strings.HasPrefix(pattern, "/") {
		return fmt.Errorf("pattern %q: want it relative to the directory, without the slash in front", pattern)
	}
	for element := range strings.SplitSeq(pattern, "/") {
		switch {
		case element == "":
			return fmt.Errorf("pattern %q: it has an empty element; to take a directory, end it with /**", pattern)
		case element == ".", element == "..":
			return fmt.Errorf("pattern %q: the element %q is not allowed", pattern, element)
		case strings.Contains(element, "**") && element != "**":
			return fmt.Errorf("pattern %q: ** has to be an element by itself", pattern)
		}
		if _, err := path.Match(element, ""); err != nil {
			return fmt.Errorf("pattern %q: element %q: %w", pattern, element, err)
		}
	}
	return nil
}

// pattern is a checked pattern by elements.
type pattern struct {
	text     string
	elements []string
}

func parsePattern(text string) (pattern, error) {
	p := pattern{text, strings.Split(text, "/")}
	// Runs of ** are one: else they would multiply the work of matching.
	p.elements = slices.CompactFunc(p.elements, func(a, b string) bool { return a == "**" && b == "**" })
	return p, CheckPattern(text)
}

// literal says whether p names one file.
func (p pattern) literal() bool { return !strings.ContainsAny(p.text, `*?[\`) }

// match says whether a relative path is of the pattern. It takes time in the
// product of both's elements.
func (p pattern) match(name string) bool {
	parts := strings.Split(name, "/")
	// reached[i]: the first i elements can match the parts seen so far.
	reached := make([]bool, len(p.elements)+1)
	reached[0] = true
	p.skip(reached)
	for _, part := range parts {
		next := make([]bool, len(reached))
		for i, element := range p.elements {
			if !reached[i] {
				continue
			}
			if element == "**" {
				next[i] = true
			} else if ok, _ := path.Match(element, part); ok {
				next[i+1] = true
			}
		}
		if p.endless() && reached[len(p.elements)-1] {
			next[len(p.elements)] = true // a last ** takes the file itself
		}
		p.skip(next)
		reached = next
	}
	return reached[len(p.elements)]
}

// skip lets every ** but a last one be no directory at all.
func (p pattern) skip(reached []bool) {
	for i, element := range p.elements {
		if reached[i] && element == "**" && i < len(p.elements)-1 {
			reached[i+1] = true
		}
	}
}

func (p pattern) endless() bool { return p.elements[len(p.elements)-1] == "**" }

// covers says whether some of the patterns is of the name.
func covers(patterns []pattern, name string) bool {
	return slices.ContainsFunc(patterns, func(p pattern) bool { return p.match(name) })
}
