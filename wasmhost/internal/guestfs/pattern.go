package guestfs

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Pattern matches the paths of files by their names. Its zero value matches none.
type Pattern struct {
	names []string
}

const anyDirectories = "**"

// ParsePattern reads an absolute path in which "*" is any run of characters of a
// name and "?" any one of them; "**" for a name is any number of directories, none
// too, and at the end all files below. Every other character is itself.
func ParsePattern(text string) (Pattern, error) {
	p, err := parsePattern(text)
	if err != nil {
		return Pattern{}, fmt.Errorf("pattern %q: %w", text, err)
	}
	return p, nil
}

func parsePattern(text string) (Pattern, error) {
	rest, absolute := strings.CutPrefix(text, "/")
	switch {
	case !absolute:
		return Pattern{}, errors.New(`it must begin with "/", as /out/*.csv`)
	case len(text) > maxPathBytes:
		return Pattern{}, fmt.Errorf("it has more than %d bytes", maxPathBytes)
	case strings.IndexByte(text, 0) >= 0 || !utf8.ValidString(text):
		return Pattern{}, errors.New("it is not UTF-8 without zero bytes")
	}
	names := strings.Split(rest, "/")
	for _, name := range names {
		switch {
		case name == "" || name == "." || name == "..":
			return Pattern{}, fmt.Errorf("no file has the name %q", name)
		case name != anyDirectories && strings.Contains(name, anyDirectories):
			return Pattern{}, fmt.Errorf(`in %q "**" must be a whole name, as in /out/**/*.csv`, name)
		}
	}
	if names[len(names)-1] == anyDirectories {
		names = append(names, "*")
	}
	return Pattern{names: names}, nil
}

// Match reports whether the pattern matches a file's absolute path, which is clean.
// It takes time in the product of both lengths at most.
func (p Pattern) Match(path string) bool {
	rest, absolute := strings.CutPrefix(path, "/")
	if !absolute || len(p.names) == 0 {
		return false
	}
	names := strings.Split(rest, "/")
	at, i := 0, 0 // in the pattern and in the path
	retry, from := -1, 0
	for i < len(names) {
		switch {
		case at < len(p.names) && p.names[at] == anyDirectories:
			retry, from = at+1, i
			at++
		case at < len(p.names) && matchName(p.names[at], names[i]):
			at, i = at+1, i+1
		case retry >= 0: // the last "**" takes one directory more; the ones before it have theirs
			from++
			at, i = retry, from
		default:
			return false
		}
	}
	return at == len(p.names) // which never end in "**"
}

// matchName goes as Match does, over the characters of one name.
func matchName(pattern, name string) bool {
	retry, from := "", ""
	starred := false
	for name != "" {
		want, width := utf8.DecodeRuneInString(pattern)
		got, size := utf8.DecodeRuneInString(name)
		switch {
		case pattern != "" && want == '*':
			pattern = pattern[width:]
			retry, from, starred = pattern, name, true
		case pattern != "" && (want == '?' || want == got):
			pattern, name = pattern[width:], name[size:]
		case starred:
			_, size = utf8.DecodeRuneInString(from)
			from = from[size:]
			pattern, name = retry, from
		default:
			return false
		}
	}
	return strings.Trim(pattern, "*") == ""
}
