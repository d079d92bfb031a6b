package cluster

import (
	"fmt"

	"github.com/graflow/graflow-wasm/internal/ops"
)

// place is how far somebody has followed a run: up to so many notices of an event,
// and up to a line of its log. What follows from an event is the same whoever reads
// it.
type place struct {
	event uint64 // the sequence
	part  int    // notices of it; -1 is all
	line  uint64 // the sequence in the log
}

// String is the place as it is told.
func (p place) String() string { return fmt.Sprintf("%d-%d-%d", p.event, p.part, p.line) }

// parsePlace reads what String tells; "" is the beginning.
func parsePlace(text string) (place, error) {
	var p place
	if text == ops.FollowAll {
		return p, nil
	}
	var rest string
	n, _ := fmt.Sscanf(text+"\n", "%d-%d-%d%s", &p.event, &p.part, &p.line, &rest)
	if n != 3 || p.part < -1 || p.String() != text {
		return p, &ops.Invalid{What: "the place to follow from", Faults: []ops.Fault{{
			Message: fmt.Sprintf("%q is none: give one that was told, %q for what comes, or nothing for all", text, ops.FollowNew), Where: "after",
		}}}
	}
	return p, nil
}

// after is the place after one more notice of an event.
func (p place) after(event uint64) place {
	if event != p.event {
		p.event, p.part = event, 0
	}
	p.part++
	return p
}

// isBefore tells whether something is yet to be told to who is at p.
func (p place) isBefore(t *told) bool {
	switch {
	case t.log:
		return t.at.line > p.line
	case t.added: // with what it was added before
		return t.notice.Seq > p.event
	case t.at.event == p.event:
		return p.part >= 0 && t.at.part > p.part
	}
	return t.at.event > p.event
}

// past is the place of who was at p, and is told one more thing. The journal and the log
// are read side by side, and by each reader in an order of its own: a notice of the one
// says nothing of how far somebody is in the other. A start that was added comes before
// what it was added to: who leaves between the two is to be told that yet.
func (p place) past(t *told) place {
	switch {
	case t.added:
	case t.log:
		p.line = t.at.line
	default:
		p.event, p.part = t.at.event, t.at.part
	}
	return p
}
