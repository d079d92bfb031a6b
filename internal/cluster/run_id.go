package cluster

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxRunID is the most bytes of a run's id, as a name of files: there all but
// letters, digits, _ and - take three.
const MaxRunID = 200

// CheckRunID refuses ids that could not be named afterwards.
func CheckRunID(id string) error {
	hidden := func(r rune) bool { return !unicode.IsPrint(r) }
	switch {
	case id == "":
		return errors.New("it is empty; leave it out for a new id")
	case strings.HasPrefix(id, "-"):
		return errors.New("it begins with -, as flags do")
	case strings.HasSuffix(id, ".json"):
		return errors.New("it ends in .json, as the files of checkpoints do")
	case !utf8.ValidString(id) || strings.ContainsFunc(id, hidden) || strings.TrimSpace(id) != id:
		return errors.New("it has characters that can't be seen, or white space around it")
	}
	n := 0
	for i := range len(id) {
		switch c := id[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '-':
			n++
		default:
			n += 3
		}
	}
	if n > MaxRunID {
		return fmt.Errorf("it is too long: %d bytes, at most %d are allowed, of which all but letters, digits, _ and - take three", n, MaxRunID)
	}
	return nil
}

func checkRunID(id string) error {
	if err := CheckRunID(id); err != nil {
		return invalid("the id of the run", "id", err.Error())
	}
	return nil
}
