package cases

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/graflow/graflow-wasm/bench/internal/guest"
	"github.com/graflow/graflow-wasm/bench/internal/measure"
)

// Scale says how much is measured.
type Scale struct {
	Rounds int           // of contenders that answer within milliseconds
	Turn   time.Duration // of each in a round
	Heavy  int           // rounds of programs that compute for long
	Runs   int           // into each deadline
	Kill   time.Duration // after which a child that hangs is given up
	GCs    int           // collections while guests spin
	Idle   int           // sandboxes that wait
	Grow   int           // tasks that grow
	Fuel   int           // runs of each program
}

// The scales a run may have. Full takes half an hour, Quick three minutes; Tiny
// only shows that everything still runs.
var (
	Full  = Scale{Rounds: 60, Turn: 100 * time.Millisecond, Heavy: 20, Runs: 200, Kill: 10 * time.Second, GCs: 300, Idle: 1000, Grow: 10_000, Fuel: 100}
	Quick = Scale{Rounds: 10, Turn: 40 * time.Millisecond, Heavy: 4, Runs: 20, Kill: 3 * time.Second, GCs: 50, Idle: 200, Grow: 500, Fuel: 100}
	Tiny  = Scale{Rounds: 2, Turn: time.Millisecond, Heavy: 2, Runs: 2, Kill: time.Second, GCs: 2, Idle: 4, Grow: 4, Fuel: 3}
)

// Bench is one run of the benchmarks.
type Bench struct {
	Scale
	Guests  guest.Builder
	Out     io.Writer // the tables
	Results string    // a directory for what the tables were made of; empty: not kept
}

// Case is one subject.
type Case struct {
	Name  string // of a word, for the command line
	Title string
	run   func(context.Context, *Bench) error
}

// All are the cases in the order in which they are run.
var All = []Case{
	{"sum", "A Go guest: JSON in, sum, JSON out", sum},
	{"c", "A C guest: the same in 1 KB", sumC},
	{"cpu", "Programs that compute", compute},
	{"deadline", "A deadline of 50 ms", deadline},
	{"gc", "Collecting garbage while two guests spin", collect},
	{"idle", "Sandboxes that wait", idle},
	{"grow", "Tasks that grow to 64 MB", grow},
	{"fuel", "Fuel", fuel},
}

// Run runs one case. A case that this machine can't run says so and is no error.
func (b *Bench) Run(ctx context.Context, c Case) error {
	fmt.Fprintf(b.Out, "\n### %s\n\n", c.Title)
	err := c.run(ctx, b)
	if errors.Is(err, guest.ErrNoClang) || errors.Is(err, errNotLinux) {
		fmt.Fprintf(b.Out, "SKIPPED: %v\n", err)
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", c.Name, err)
	}
	return nil
}

// keep writes down what a table was made of.
func (b *Bench) keep(name, text string) error {
	if b.Results == "" {
		return nil
	}
	if err := os.MkdirAll(b.Results, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(b.Results, name+".txt"), []byte(text), 0o644)
}

// closing closes what has been measured; what that says changes nothing.
func closing(ctx context.Context, c func(context.Context) error) { _ = c(context.WithoutCancel(ctx)) }

// raw is what is kept of contenders that were measured in rounds.
func raw(results []measure.Result) string {
	t := measure.Table{{"contender", "tasks", "min", "p10", "p50", "p90", "p99", "max", "p50 of 1st half", "of 2nd half"}}
	for _, r := range results {
		all := r.All()
		t.Add(r.Name, len(all), all.Percentile(0), all.Percentile(10), all.Median(), all.Percentile(90), all.Percentile(99),
			all.Percentile(100), r.Half[0].Median(), r.Half[1].Median())
	}
	return t.String()
}

func percent(f float64) string { return fmt.Sprintf("%.0f %%", 100*f) }

func times(f float64) string { return fmt.Sprintf("%.2fx", f) }
