package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

// Choice is what the scheduler does in one step. The zero value lets go the
// call that has waited longest.
type Choice struct {
	Fault Fault
	Pick  int // which of those that there are, modulo their number
}

// Fault is what goes wrong in a step, or comes from outside.
type Fault uint8

// Faults. None is the ordinary course.
const (
	None          Fault = iota
	AppendFails         // an append has no effect, and says so
	AppendLies          // an append has its effect, and says that it has not
	ReadFails           // a read fails
	ShortRead           // a read returns the first event only
	EnqueueFails        // an enqueue has no effect, and says so
	EnqueueLies         // an enqueue has its effect, and says that it has not
	AckLost             // an ack is said to be lost, and is
	AckForgotten        // an ack is said to have come, and has not
	Duplicate           // a delivery comes twice
	Late                // a delivery is overtaken by another
	LeaseLost           // a lease ends while its holder works
	Stubborn            // a handler returns its result though its context is done
	TimerNow            // the clock jumps to a timer
	ClockJump           // the clock jumps
	Crash               // the process dies
	CrashInFlight       // the process dies; appends on their way arrive
	Move                // the process dies, and the run goes on from a checkpoint, with another id
	Freeze              // another process takes over while this one stands still
	Thaw                // a process that stood still goes on
	Cancel              // the run is canceled from outside
	Hold                // the run is held by hand
	Release             // and released
	Answer              // somebody answers a pause
	WrongAnswer         // somebody answers what is not asked
	Look                // somebody reads the run's history
	faults
)

var faultNames = [faults]string{
	"-", "append-fails", "append-lies", "read-fails", "short-read", "enqueue-fails", "enqueue-lies", "ack-lost", "ack-forgotten",
	"duplicate", "late", "lease-lost", "stubborn", "timer-now", "clock-jump", "crash", "crash-in-flight", "move", "freeze", "thaw",
	"cancel", "hold", "release", "answer", "wrong-answer", "look",
}

// String is the fault's name in a printed schedule.
func (f Fault) String() string { return faultNames[f] }

// Schedule is what was chosen, step by step; beyond its end the zero Choice is.
type Schedule []Choice

// String writes a schedule as words: "3" is a pick, "crash" a fault, "crash:2" a
// fault on the third of its targets, "12x" so many zero choices.
func (s Schedule) String() string {
	var words []string
	zeros := 0
	flush := func() {
		if zeros > 0 {
			words = append(words, fmt.Sprintf("%dx", zeros))
		}
		zeros = 0
	}
	for _, c := range s.trimmed() {
		if c == (Choice{}) {
			zeros++
			continue
		}
		flush()
		switch {
		case c.Fault == None:
			words = append(words, fmt.Sprint(c.Pick))
		case c.Pick == 0:
			words = append(words, c.Fault.String())
		default:
			words = append(words, fmt.Sprintf("%s:%d", c.Fault, c.Pick))
		}
	}
	flush()
	return strings.Join(words, " ")
}

// MarshalText implements encoding.TextMarshaler.
func (s Schedule) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what String writes.
func (s *Schedule) UnmarshalText(text []byte) error {
	*s = Schedule{}
	for word := range strings.FieldsSeq(string(text)) {
		if n, ok := strings.CutSuffix(word, "x"); ok {
			zeros, err := strconv.Atoi(n)
			if err != nil {
				return fmt.Errorf("schedule: %q: %w", word, err)
			}
			*s = append(*s, make(Schedule, zeros)...)
			continue
		}
		name, pick, _ := strings.Cut(word, ":")
		fault := slices.Index(faultNames[:], name)
		if fault < 0 {
			fault, pick = int(None), name
		}
		c := Choice{Fault: Fault(fault)}
		if pick != "" {
			var err error
			if c.Pick, err = strconv.Atoi(pick); err != nil {
				return fmt.Errorf("schedule: %q: %w", word, err)
			}
		}
		*s = append(*s, c)
	}
	return nil
}

func (s Schedule) trimmed() Schedule {
	for len(s) > 0 && s[len(s)-1] == (Choice{}) {
		s = s[:len(s)-1]
	}
	return s
}

// Weather is how a case's choices are drawn.
type Weather struct {
	Faults []Fault // that may be
	Rate   float64 // of steps with one
	Chaos  int     // steps after which there are none, and the oldest call goes first
	Unfair float64 // of the other steps that let another than the oldest go
}

// chooser draws choices, or repeats them.
type chooser struct {
	weather Weather
	random  *rand.Rand // nil: repeat
	script  Schedule
	taken   Schedule
}

func (c *chooser) next() Choice {
	choice := Choice{}
	switch step := len(c.taken); {
	case c.random == nil:
		if step < len(c.script) {
			choice = c.script[step]
		}
	case step >= c.weather.Chaos:
	case c.random.Float64() < c.weather.Rate:
		choice = Choice{Fault: c.weather.Faults[c.random.IntN(len(c.weather.Faults))], Pick: c.random.IntN(8)}
	case c.random.Float64() < c.weather.Unfair:
		choice.Pick = c.random.IntN(8)
	}
	c.taken = append(c.taken, choice)
	return choice
}
