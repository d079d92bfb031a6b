package sim

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"runtime/pprof"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/graflow/graflow-wasm/engine"
)

// Case is a flow, its world, and what happens there.
type Case struct {
	Note    string          `json:"note,omitempty"` // of a case that was kept: what it has found
	Seed    uint64          `json:"seed,omitempty"`
	Spec    engine.Spec     `json:"spec"`
	Input   json.RawMessage `json:"input,omitempty"`
	Workers int             `json:"workers"`
	Shared  bool            `json:"shared,omitempty"` // the queue outlives processes, as a cluster's does
	// Retry is from which task a run is retried once it has failed: "-" is
	// from those that failed, "" is not.
	Retry string `json:"retry,omitempty"`
	// Forgetful journals are trimmed as they are read: nothing can be recovered.
	Forgetful bool    `json:"forgetful,omitempty"`
	Weather   Weather `json:"-"`
	// Schedule is what is repeated; nil draws it from the seed.
	Schedule Schedule `json:"schedule,omitempty"`
}

// String is the case in JSON, a node a line, to be kept in testdata.
func (c Case) String() string {
	return strings.NewReplacer(`{"id":`, "\n  {\"id\":", `{"from":`, "\n  {\"from\":", `"spec":{"name"`, "\n\"spec\":{\"name\"").Replace(encode(c))
}

// Play is what came of a case.
type Play struct {
	Broken   *Violation // nil: all rules held
	Schedule Schedule   // what was chosen
	Struck   map[Fault]int
	Steps    int
	Events   int
	Outcome  *engine.Outcome // nil: it did not end
	Log      []*engine.Event
}

// Simulate plays a case in a bubble of its own. trace, if not nil, is told each
// step.
func Simulate(t *testing.T, c Case, trace func(string)) Play {
	t.Helper()
	var play Play
	pprof.Do(context.Background(), pprof.Labels("seed", strconv.FormatUint(c.Seed, 10)), func(context.Context) {
		synctest.Test(t, func(*testing.T) { play = simulate(&c, trace) }) //nolint:contextcheck // the context is only there for the label
	})
	return play
}

func simulate(c *Case, trace func(string)) Play {
	g, err := c.Spec.Build()
	if err != nil {
		return Play{Broken: &Violation{Rule: "build", Detail: err.Error()}}
	}
	w := &world{
		c: c, graph: g, trace: trace, run: "r", journals: map[string]*journal{}, dropped: map[string]bool{}, kept: engine.InMemory(),
		model: newModel(&c.Spec), fold: newFold(g, "r"),
		choose: chooser{weather: c.Weather, script: c.Schedule}, struck: map[Fault]int{},
	}
	if c.Schedule == nil {
		w.choose.random = rand.New(rand.NewPCG(c.Seed, 2))
	}
	if c.Shared {
		w.shared = &queue{}
	}
	broken := w.play()
	return Play{Broken: broken, Schedule: w.choose.taken, Struck: w.struck, Steps: w.step, Events: len(w.fold.history), Outcome: w.cur.outcome, Log: w.fold.history}
}
