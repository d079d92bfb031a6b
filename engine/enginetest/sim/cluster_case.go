package sim

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/graflow/graflow-wasm/engine"
)

// ClusterCase is a run that several processes do together, and how their world
// behaves. A seed is a schedule of faults: what fails, when, and how long each call
// takes follows from it; which of two goroutines goes first at one instant is the
// runtime's to say.
type ClusterCase struct {
	Note  string          `json:"note,omitempty"` // of a case that was kept: what it has found
	Seed  uint64          `json:"seed"`
	Flows []ClusterFlow   `json:"flows"`
	Nodes []ClusterNode   `json:"nodes"`
	Rate  float64         `json:"rate"`  // of calls that a trouble strikes
	Chaos engine.Duration `json:"chaos"` // the time after which there is none
	Gap   engine.Duration `json:"gap"`   // between what happens to processes
	// Troubles are those that may be.
	Troubles []Trouble `json:"troubles,omitempty"`
}

// ClusterFlow is what is run.
type ClusterFlow struct {
	Spec  engine.Spec     `json:"spec"`
	Input json.RawMessage `json:"input,omitempty"`
}

// ClusterNode is a process.
type ClusterNode struct {
	Part  engine.Part `json:"part"`
	Slots int         `json:"slots"`
}

// Trouble is what goes wrong in a cluster, or comes from outside.
type Trouble string

// Troubles of calls: each strikes some.
const (
	troubleAppendFails   Trouble = "append-fails"   // it has no effect, and says so
	troubleAppendLies    Trouble = "append-lies"    // it has its effect, and says after a while that it has not
	troubleAppendLate    Trouble = "append-late"    // it says that it failed, and arrives some time later
	troubleReadFails     Trouble = "read-fails"     // it says so
	troubleReadShort     Trouble = "read-short"     // it returns the first event only
	troubleReadLags      Trouble = "read-lags"      // processes see late what others have appended
	troubleEnqueueFails  Trouble = "enqueue-fails"  // it has no effect, and says so
	troubleEnqueueLies   Trouble = "enqueue-lies"   // it has its effect, and says that it has not
	troubleDuplicate     Trouble = "duplicate"      // a ticket comes twice
	troubleTicketLate    Trouble = "ticket-late"    // a ticket comes late
	troubleAckLost       Trouble = "ack-lost"       // it is said to be lost, and is
	troubleAckForgotten  Trouble = "ack-forgotten"  // it is said to have come, and has not
	troubleExtendFails   Trouble = "extend-fails"   // a lease is not extended
	troublePurgeLate     Trouble = "purge-late"     // what is withdrawn is taken back late
	troublePurgeNever    Trouble = "purge-never"    // or not at all
	troubleSignalLost    Trouble = "signal-lost"    // a signal does not come
	troubleSignalUnheard Trouble = "signal-unheard" // likewise, and its hearer is told that some may not have
	troubleSignalLate    Trouble = "signal-late"    // it comes late
	troubleHintLate      Trouble = "hint-late"      // nobody hears for a while that a log has grown
	troubleMarkFails     Trouble = "mark-fails"     // how a run stands is not kept
	troubleBuryFails     Trouble = "bury-fails"     // nor is a dead letter
	troubleSlow          Trouble = "slow"           // an attempt takes longer than its lease
	troubleStubborn      Trouble = "stubborn"       // a handler returns its result though its context is done
)

// Troubles of processes, and what somebody does from outside.
const (
	troubleKill    Trouble = "kill"    // a process dies: nothing that it holds is given back
	troubleFreeze  Trouble = "freeze"  // it stands still for a while, and goes on
	troubleLeave   Trouble = "leave"   // it drains, and ends
	troubleMove    Trouble = "move"    // a run goes to another owner; the old one hears of it late
	troubleBoot    Trouble = "boot"    // another process comes
	troubleCancel  Trouble = "cancel"  // somebody cancels a run
	troubleHold    Trouble = "hold"    // holds it
	troubleRelease Trouble = "release" // releases it
	troubleAnswer  Trouble = "answer"  // answers a pause
	troubleWrong   Trouble = "wrong"   // answers what is not asked
	troubleLook    Trouble = "look"    // reads its history
	troubleRetry   Trouble = "retry"   // retries one that has failed
)

var (
	callTroubles = []Trouble{
		troubleAppendFails, troubleAppendLies, troubleAppendLate, troubleReadFails, troubleReadShort, troubleReadLags,
		troubleEnqueueFails, troubleEnqueueLies, troubleDuplicate, troubleTicketLate, troubleAckLost, troubleAckForgotten,
		troubleExtendFails, troublePurgeLate, troublePurgeNever, troubleSignalLost, troubleSignalUnheard, troubleSignalLate,
		troubleHintLate, troubleMarkFails, troubleBuryFails, troubleSlow, troubleStubborn,
	}
	nodeTroubles = []Trouble{
		troubleKill, troubleFreeze, troubleLeave, troubleMove, troubleBoot, troubleCancel, troubleHold, troubleRelease,
		troubleAnswer, troubleWrong, troubleLook, troubleRetry,
	}
)

// String is the case in JSON, a node a line, to be kept in testdata.
func (c ClusterCase) String() string {
	return strings.NewReplacer(`{"id":`, "\n  {\"id\":", `{"from":`, "\n  {\"from\":", `"spec":{"name"`, "\n\"spec\":{\"name\"").Replace(encode(c))
}

// has tells whether a trouble may be.
func (c *ClusterCase) has(t Trouble) bool { return slices.Contains(c.Troubles, t) }

// GenerateCluster draws a case: flows, processes, and what troubles them.
func GenerateCluster(seed uint64) ClusterCase {
	r := rand.New(rand.NewPCG(seed, 3))
	c := ClusterCase{
		Seed: seed, Rate: []float64{0, 0.02, 0.1, 0.3}[r.IntN(4)],
		Chaos: engine.Duration(10+r.IntN(110)) * second, Gap: engine.Duration(1+r.IntN(12)) * second,
	}
	for range 1 + r.IntN(5)/4 {
		own := Generate(r.Uint64N(1 << 40))
		c.Flows = append(c.Flows, ClusterFlow{own.Spec, own.Input})
	}
	for range 2 + r.IntN(3) {
		part := []engine.Part{engine.PartBoth, engine.PartBoth, engine.PartWorker, engine.PartOwner}[r.IntN(4)]
		c.Nodes = append(c.Nodes, ClusterNode{part, 1 + r.IntN(4)})
	}
	c.Troubles = drawTroubles(r)
	return c
}

// drawTroubles draws a few kinds, or all.
func drawTroubles(r *rand.Rand) []Trouble {
	all := slices.Concat(callTroubles, nodeTroubles)
	switch r.IntN(4) {
	case 0:
		return all
	case 1:
		all = slices.Clone(nodeTroubles)
	}
	r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all[:r.IntN(8)]
}
