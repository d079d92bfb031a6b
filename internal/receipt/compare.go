package receipt

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/graflow/graflow-wasm/engine"
)

// What can differ.
const (
	DiffFlow       = "flow"
	DiffModule     = "module"
	DiffInput      = "input"
	DiffOutput     = "output"
	DiffEffects    = "effects"
	DiffFuel       = "fuel"
	DiffEnd        = "end"
	DiffStatus     = "status"
	DiffMissing    = "missing"    // it was recorded, and did not come to be again
	DiffUnexpected = "unexpected" // it came to be, and was not recorded
)

// Difference is one between what was recorded and what came.
type Difference struct {
	What       string `json:"what"`
	Task       string `json:"task,omitempty"` // "": of the run
	Activation string `json:"activation,omitempty"`
	Attempt    int    `json:"attempt,omitempty"`
	Recorded   string `json:"recorded"`
	Came       string `json:"came"`
}

// Comparison is what came of comparing two records.
type Comparison struct {
	Steps       int          `json:"steps"`    // that were recorded
	Repeated    int          `json:"repeated"` // and that came to be again, alike
	Fuel        int64        `json:"fuel"`     // that those have taken
	Attested    int          `json:"attested"` // that can't be repeated: the signature alone speaks for them
	Differences []Difference `json:"differences"`
	// Unverified are activations that could have been repeated, but for what the receipt
	// does not carry.
	Unverified []string `json:"unverified,omitempty"`
	// Excused tells by activation why what came otherwise is no difference: it says
	// nothing of the record. What follows from it is unverified.
	Excused map[string]string `json:"-"`
}

// Compare compares a record with that of its repetition, step by step, whatever their
// order. missing tells that something could not be repeated: what is not there then is
// unverified, and no difference. excuse tells why a task may come to something else here
// than elsewhere, "" that it can't; nil is that none can.
func Compare(was, now *Predicate, missing bool, excuse func(*Task) string) Comparison {
	c := newComparison(was, now, missing, nil)
	if excused := c.excused(excuse); len(excused) > 0 {
		c = newComparison(was, now, true, excused)
	}
	return c.Comparison
}

type comparison struct {
	Comparison

	was, now           *Predicate
	missing, disturbed bool
	others             []*Step // of now, which came otherwise
}

func newComparison(was, now *Predicate, missing bool, excused map[string]string) comparison {
	c := comparison{was: was, now: now, missing: missing, disturbed: was.Disturbed != ""}
	c.Differences, c.Excused = []Difference{}, excused
	c.steps()
	c.ends()
	return c
}

// hostKinds are the kinds of errors that tell of where an attempt is executed.
var hostKinds = []string{engine.KindTimeout, "crash", "quarantined"}

// excused are the steps that came otherwise for a reason which is not the record's.
func (c *comparison) excused(excuse func(*Task) string) map[string]string {
	all := map[string]string{}
	for _, s := range c.others {
		switch {
		case slices.Contains(hostKinds, s.Kind):
			all[s.Activation] = "here it ended with " + s.Kind
		case excuse != nil:
			if why := excuse(&c.now.Tasks[s.Task]); why != "" {
				all[s.Activation] = why
			}
		}
	}
	return all
}

// keyed are steps by what tells them apart.
func keyed(p *Predicate) map[string]*Step {
	all, count := map[string]*Step{}, map[string]int{}
	for i := range p.Steps {
		s := &p.Steps[i]
		at := attemptKey(s.Activation, s.Attempt)
		all[executionKey(at, count[at])] = s
		count[at]++
	}
	return all
}

func (c *comparison) steps() {
	now, count := keyed(c.now), map[string]int{}
	for i := range c.was.Steps {
		s := &c.was.Steps[i]
		at := attemptKey(s.Activation, s.Attempt)
		key := executionKey(at, count[at])
		count[at]++
		again := now[key]
		delete(now, key)
		if s.End == EndStopped {
			continue
		}
		c.Steps++
		c.step(s, again)
	}
	if c.missing || c.disturbed {
		return
	}
	left := map[*Step]bool{}
	for _, s := range now {
		left[s] = true
	}
	for i := range c.now.Steps { // in their order
		if s := &c.now.Steps[i]; left[s] && s.End != EndStopped {
			c.differ(c.now, s, DiffUnexpected, "nothing", "it "+s.End)
		}
	}
}

func (c *comparison) step(s, again *Step) {
	switch {
	case !s.Reproducible:
		c.Attested++
	case c.Excused[s.Activation] != "", again == nil && (c.missing || c.disturbed), again != nil && c.missing && (s.Input.Digest != again.Input.Digest || again.End == EndStopped):
		c.Unverified = append(c.Unverified, s.Activation)
		return
	}
	if again == nil {
		if !c.missing && !c.disturbed {
			c.differ(c.was, s, DiffMissing, "it "+s.End, "nothing")
		}
		return
	}
	if s.Input.Digest != again.Input.Digest {
		c.differ(c.was, s, DiffInput, s.Input.Digest, again.Input.Digest)
		return // the rest follows
	}
	switch {
	case !s.Reproducible:
	case c.alike(s, again):
		c.Repeated++
		c.Fuel += s.Fuel
	default:
		c.others = append(c.others, again)
	}
}

// alike compares what a step has left.
func (c *comparison) alike(s, again *Step) bool {
	before := len(c.Differences)
	if s.End != again.End || s.Kind != again.Kind {
		c.differ(c.was, s, DiffEnd, endOf(s), endOf(again))
	} else if s.Output.Digest != again.Output.Digest {
		c.differ(c.was, s, DiffOutput, s.Output.Digest, again.Output.Digest)
	}
	if s.Effects != again.Effects {
		c.differ(c.was, s, DiffEffects, orNothing(s.Effects), orNothing(again.Effects))
	}
	if s.Fuel != again.Fuel {
		c.differ(c.was, s, DiffFuel, strconv.FormatInt(s.Fuel, 10), strconv.FormatInt(again.Fuel, 10))
	}
	if was, now := c.was.Tasks[s.Task].Module, c.now.Tasks[again.Task].Module; was != now {
		c.differ(c.was, s, DiffModule, was, now)
	}
	return len(c.Differences) == before
}

func endOf(s *Step) string {
	if s.Kind == "" {
		return s.End
	}
	return fmt.Sprintf("%s (%s)", s.End, s.Kind)
}

func orNothing(text string) string {
	if text == "" {
		return "nothing"
	}
	return text
}

func (c *comparison) differ(of *Predicate, s *Step, what, was, came string) {
	c.Differences = append(c.Differences, Difference{
		What: what, Task: of.Tasks[s.Task].ID, Activation: s.Activation, Attempt: s.Attempt, Recorded: was, Came: came,
	})
}

// ends compares how the runs ended.
func (c *comparison) ends() {
	if c.missing || c.disturbed {
		return
	}
	if c.was.Status != c.now.Status || c.was.Reason != c.now.Reason {
		c.Differences = append(c.Differences, Difference{What: DiffStatus, Recorded: statusOf(c.was), Came: statusOf(c.now)})
	}
	if c.was.Output.Digest != c.now.Output.Digest {
		c.Differences = append(c.Differences, Difference{What: DiffOutput, Recorded: c.was.Output.Digest, Came: c.now.Output.Digest})
	}
}

func statusOf(p *Predicate) string {
	if p.Reason == "" {
		return string(p.Status)
	}
	return fmt.Sprintf("%s (%s)", p.Status, p.Reason)
}
