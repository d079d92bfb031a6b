package mcp

import (
	"fmt"
	"strings"
)

// maxToolName is how long names of tools may be with all clients.
const maxToolName = 64

// names are those of tools so far.
type names map[string]bool

func newNames(taken ...string) names {
	n := names{}
	for _, name := range taken {
		n[name] = true
	}
	return n
}

// unique is a name for a task of a module: the task's own if it is free, else with the
// module's in front, else with a number.
func (n names) unique(module, task string) string {
	base := validName(task)
	if n[base] {
		base = validName(module + "_" + task)
	}
	name := base
	for i := 2; n[name]; i++ {
		suffix := fmt.Sprintf("_%d", i)
		name = base[:min(len(base), maxToolName-len(suffix))] + suffix
	}
	n[name] = true
	return name
}

// validName has letters, digits, - and _ alone.
func validName(text string) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_':
			return r
		}
		return '_'
	}, text)
	if name == "" {
		name = "task"
	}
	return name[:min(len(name), maxToolName)]
}
