package wasmhost

import (
	"fmt"
	"slices"
	"strings"
)

// Words of a field from the least to the most, which is the default.
var (
	clocks  = []string{ClockVirtual, ClockCoarse, ClockReal}
	randoms = []string{RandomSeeded, RandomSecure}
)

// narrowWord checks a word of Grants. Left open it becomes the most that is
// allowed, unless that is the default.
func narrowWord(name string, words []string, asked *string, most string) []error {
	if *asked != "" && !slices.Contains(words, *asked) {
		return []error{fmt.Errorf("grants.%s: got %q, want one of %s", name, *asked, strings.Join(words, ", "))}
	}
	switch top := slices.Index(words, most); {
	case most == "":
		return nil
	case top < 0:
		return []error{fmt.Errorf("grants.%s: the operator allows %q at most, which is none of %s", name, most, strings.Join(words, ", "))}
	case *asked == "":
		*asked = most
	case slices.Index(words, *asked) > top:
		return []error{fmt.Errorf("grants.%s: the operator allows %s at most, not %s", name, most, *asked)}
	}
	return nil
}

// narrowFlag checks a flag of Grants; left open it becomes what is allowed.
func narrowFlag(name string, asked **bool, most *bool) []error {
	if most == nil || *most {
		return nil
	}
	if *asked != nil && **asked {
		return []error{fmt.Errorf("grants.%s: the operator does not allow it", name)}
	}
	no := false
	*asked = &no
	return nil
}

// narrowNames checks a list of names; "*" among the allowed ones is all of them.
func narrowNames(field string, asked, most []string) []error {
	var errs []error
	for _, name := range asked {
		if !slices.Contains(most, name) && !slices.Contains(most, "*") {
			errs = append(errs, fmt.Errorf("grants.%s: the operator does not allow %q", field, name))
		}
	}
	return errs
}
