// Command guest tests numbers of the form 2^p - 1 for being prime, some steps at a
// time, and leaves checkpoints on the way.
package main

import (
	"fmt"
	"math/big"

	"github.com/graflow/graflow-wasm/sdk"
)

func main() {}

const (
	// stepsPerCycle is what one cycle of test does.
	stepsPerCycle = 250
	// cyclesPerCheckpoint is how much work a checkpoint saves.
	cyclesPerCheckpoint = 4
)

// Question asks whether 2^Exponent - 1 is prime.
type Question struct {
	Exponent int `json:"exponent"`
}

// check looks at the exponent: with a composite one there is nothing to test.
var check = sdk.Task("check", "makes sure that the exponent is an odd prime", func(_ *sdk.Context, in Question) (State, error) {
	if in.Exponent < 3 || !big.NewInt(int64(in.Exponent)).ProbablyPrime(0) { // exact below 2^64
		return State{}, sdk.Permanent(sdk.Fail(sdk.KindInvalidInput, "exponent is %d, want an odd prime", in.Exponent))
	}
	return State{Exponent: in.Exponent}, nil
})

// Mark is what a checkpoint says about itself.
type Mark struct {
	Step    int    `json:"step"`
	Of      int    `json:"of"`
	Residue string `json:"residue"`
}

var test = sdk.Task("test", "does some steps of the Lucas-Lehmer test", func(c *sdk.Context, in State) (State, error) {
	next, err := in.advance(stepsPerCycle)
	if err != nil || next.Step == next.last() {
		return next, err
	}
	c.Progress(float64(next.Step), float64(next.last()), "")
	if c.Cycle()%cyclesPerCheckpoint == 0 {
		residue, err := next.residue()
		if err != nil {
			return next, err
		}
		mark := Mark{Step: next.Step, Of: next.last(), Residue: residue}
		if err := c.CheckpointAs(fmt.Sprintf("step-%d", next.Step), mark); err != nil {
			return next, err
		}
	}
	return next, c.NextIteration(next)
})

// Verdict is the answer.
type Verdict struct {
	Exponent int    `json:"exponent"`
	Prime    bool   `json:"prime"`
	Digits   int    `json:"digits"`
	Residue  string `json:"residue" doc:"low 64 bits of the last term; 0 for a prime"`
}

var report = sdk.Task("report", "says what the test has found", func(_ *sdk.Context, in State) (Verdict, error) {
	term, err := in.term()
	if err != nil {
		return Verdict{}, err
	}
	residue, err := in.residue()
	return Verdict{
		Exponent: in.Exponent, Prime: term.Sign() == 0,
		Digits: len(mersenne(in.Exponent).Text(10)), Residue: residue,
	}, err
})

//go:wasmexport check
func _check() int32 { return check.Run() }

//go:wasmexport test
func _test() int32 { return test.Run() }

//go:wasmexport report
func _report() int32 { return report.Run() }
