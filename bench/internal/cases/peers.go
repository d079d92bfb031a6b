package cases

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/graflow/graflow-wasm/bench/internal/guest"
	"github.com/graflow/graflow-wasm/bench/internal/measure"
	"github.com/graflow/graflow-wasm/bench/internal/peer"
	"github.com/graflow/graflow-wasm/bench/internal/record"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// Part is what the records of this package say of themselves.
const Part = "sandbox"

// CaseCompile is the case of [Peers] that compiles, into nothing and with no cache.
const CaseCompile = "compile"

// call is what one case asks of every host.
type call struct {
	name          string
	export        string
	input, output string
}

// calls are the cases that call, in their order. Their names are those of the records.
var calls = []call{
	{name: "no-op", export: "noop"},
	{name: "sum", export: "sum", input: string(sumInput), output: string(sumOutput)},
	{name: "echo", export: "echo", input: echoed, output: echoed},
	{name: "sha256", export: "sha256"},
	{name: "fib", export: "fib"},
}

// echoed is a document of some 700 bytes, with its keys in order.
const echoed = `{"customer":{"address":{"city":"Graz","street":"Hauptplatz 1","zip":"8010"},"id":4711,"name":"M. Muster","tags":["a","bb","ccc"]},` +
	`"items":[{"id":1,"name":"first","price":9.5,"sold":true},{"id":2,"name":"second \"quoted\"","price":19.25,"sold":false},` +
	`{"id":3,"name":"third","price":129,"sold":true},{"id":4,"name":"fourth","price":0.125,"sold":null},{"id":5,"name":"fifth","price":77,"sold":true}],` +
	`"note":"a text that is somewhat longer than the others, so that there is something to copy","numbers":[1,2,3,5,8,13,21,34,55,89,144,233,377,610,987],"total":234.875}`

// PeersScale says how much [Peers] measures.
type PeersScale struct {
	Rounds   int
	Turn     time.Duration // of each host in a round
	Compiles int           // rounds of compiling
}

// The scales Peers may have: LongPeers takes a minute and a half.
var (
	LongPeers  = PeersScale{Rounds: 10, Turn: 40 * time.Millisecond, Compiles: 2}
	ShortPeers = PeersScale{Rounds: 1, Turn: time.Millisecond, Compiles: 1}
)

// Peers lets every host do the same, with one worker and with as many as there are
// processors, and writes a record of each turn. tell is told what goes on.
func Peers(ctx context.Context, guests guest.Builder, scale PeersScale, w record.Writer, tell func(string)) error {
	f, err := newPeerField(ctx, guests)
	if err != nil {
		return err
	}
	defer f.close(ctx)
	for _, c := range calls {
		for _, workers := range []int{1, max(2, runtime.NumCPU())} {
			tell(fmt.Sprintf("sandbox: %s, %d at a time", c.name, workers))
			plan := measure.Plan{Rounds: scale.Rounds, Turn: scale.Turn, Least: 2, Workers: workers, Turned: f.keep(w, c.name, workers)}
			if _, err := measure.Rounds(ctx, plan, f.calling(c)); err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
		}
	}
	tell("sandbox: compile")
	plan := measure.Plan{Rounds: scale.Compiles, Least: 1, Workers: 1, Turned: f.keep(w, CaseCompile, 1)}
	if _, err := measure.Rounds(ctx, plan, f.compiling()); err != nil {
		return fmt.Errorf("%s: %w", CaseCompile, err)
	}
	return f.small(ctx, guests, scale, w, tell)
}

// small is the sum in C: a guest that costs next to nothing to make.
func (f *peerField) small(ctx context.Context, guests guest.Builder, scale PeersScale, w record.Writer, tell func(string)) error {
	const name = "sum in C"
	wasm, err := guests.C(ctx, "sum")
	if errors.Is(err, guest.ErrNoClang) {
		return w.Write(record.Line{Missing: &record.Missing{Part: Part, Case: name, Who: "all", Why: err.Error()}})
	}
	if err != nil {
		return err
	}
	tell("sandbox: " + name)
	small := &peerField{versions: f.versions}
	defer small.close(ctx)
	if err := small.enter(ctx, wasm, nil); err != nil {
		return err
	}
	plan := measure.Plan{Rounds: scale.Rounds, Turn: scale.Turn, Least: 2, Workers: 1, Turned: f.keep(w, name, 1)}
	_, err = measure.Rounds(ctx, plan, small.calling(call{export: sumExport, input: string(sumInput), output: string(sumOutput)}))
	return err
}

// keep writes what a host did in a turn.
func (f *peerField) keep(w record.Writer, name string, workers int) func(measure.Lap) error {
	return func(l measure.Lap) error {
		return w.Write(record.Line{Measured: &record.Measured{
			Part: Part, Case: name, Who: l.Name, Version: f.versions[l.Name], Round: l.Round, Workers: workers,
			Tasks: len(l.Times), Took: l.Busy,
			Min: l.Times.Percentile(0), P50: l.Times.Median(), P99: l.Times.Percentile(99), Max: l.Times.Percentile(100),
		}})
	}
}

// checked calls and holds the answer to what it must be.
func (c call) checked(run peer.Worker) func(context.Context) error {
	return func(ctx context.Context) error {
		output, err := run(ctx, []byte(c.input))
		if output = bytes.TrimSpace(output); err != nil || bytes.Equal(output, []byte(c.output)) {
			return err
		}
		if c.output == "" && string(output) == "null" { // as our host has it that nothing was said
			return nil
		}
		return fmt.Errorf("got %q, want %q", output, c.output)
	}
}

func newHost(ctx context.Context) (*wasmhost.Host, error) {
	return wasmhost.New(ctx, wasmhost.Config{})
}
