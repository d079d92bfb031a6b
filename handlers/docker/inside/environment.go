package inside

import "strings"

// environment is a list of NAME=VALUE, of which the last one of a name counts.
type environment []string

// value is the value of a variable, "" if there is none.
func (e environment) value(name string) string {
	for i := len(e) - 1; i >= 0; i-- {
		if v, ok := strings.CutPrefix(e[i], name+"="); ok {
			return v
		}
	}
	return ""
}

// with is e and more, without variables that more sets again.
func (e environment) with(more []string) environment {
	all := make(environment, 0, len(e)+len(more))
	for _, pair := range e {
		name, _, _ := strings.Cut(pair, "=")
		if !environment(more).has(name) {
			all = append(all, pair)
		}
	}
	return append(all, more...)
}

func (e environment) has(name string) bool {
	for _, pair := range e {
		if strings.HasPrefix(pair, name+"=") {
			return true
		}
	}
	return false
}
