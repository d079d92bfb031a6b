package engine

import (
	"maps"
	"slices"
)

// checkPlacing wants what says which workers take a task to be names that a queue
// and a label can have.
func (c *compiler) checkPlacing(at string, t *Task) {
	if t.Handler == FlowHandler {
		if t.Queue != "" || t.Priority != "" || len(t.Requires) > 0 {
			c.fault(at, "queue, priority and requires are for tasks that a worker takes: set them in the sub-flow, at its tasks")
		}
		return
	}
	if t.Queue != "" && !validID(t.Queue) {
		c.fault(at+".queue", "%q: want a name of letters, digits, _ and -", t.Queue)
	}
	if t.Priority != "" && t.Priority != PriorityHigh && t.Priority != PriorityNormal && t.Priority != PriorityLow {
		c.fault(at+".priority", "%q: want high, normal or low", t.Priority)
	}
	if len(t.Requires) == 0 { // the usual case
		return
	}
	for _, name := range slices.Sorted(maps.Keys(t.Requires)) {
		if !validLabel(name) {
			c.fault(at+".requires", "label %q: want a name of letters, digits, _, -, . and /, at most 64", name)
		}
		if value := t.Requires[name]; !validLabel(value) {
			c.fault(at+".requires."+name, "%q: want a value of letters, digits, _, -, . and /, at most 64", value)
		}
	}
}

func validLabel(text string) bool {
	for _, r := range text {
		if r != '.' && r != '/' && !validID(string(r)) {
			return false
		}
	}
	return text != "" && len(text) <= 64
}
