package queue

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/graflow/graflow-wasm/bench/internal/measure"
	"github.com/graflow/graflow-wasm/bench/internal/server"
)

// Scale says how much is measured.
type Scale struct {
	Rounds      int
	Jobs        int // of each throughput
	Concurrency int // of workers, and of those who submit
	Pace        int // jobs a second, for the latency
	Paced       int // jobs of that pace
	Warm        int // jobs before anything is measured
}

// The scales a run may have. Full takes eight minutes; Tiny only shows that
// everything still runs.
var (
	Full  = Scale{Rounds: 2, Jobs: 20_000, Concurrency: 64, Pace: 100, Paced: 1000, Warm: 500}
	Quick = Scale{Rounds: 1, Jobs: 5000, Concurrency: 64, Pace: 100, Paced: 300, Warm: 500}
	Tiny  = Scale{Rounds: 2, Jobs: 300, Concurrency: 8, Pace: 1000, Paced: 50, Warm: 20}
)

// patience is how long a turn may take.
const patience = 10 * time.Minute

// Bench is one run of the benchmark.
type Bench struct {
	Scale
	Peers   []Peer
	Dir     string    // where the queues keep their jobs; empty: the system's temporary one
	Out     io.Writer // the tables
	Log     io.Writer // what has been measured so far, as it takes long
	Results string    // a directory to keep the tables in; empty: not kept
}

// sample is what one turn of a peer measured.
type sample struct {
	server  string
	started measure.Times // from before a job is submitted until it begins
	flow    time.Duration // all jobs, submitted while workers ran
	submit  time.Duration // all jobs, before there were workers
	drain   time.Duration // all of these
	again   int           // runs beyond one of each job
}

// result is what a peer did in all rounds.
type result struct {
	peer    Peer
	samples []sample
	missing error // why it's not measured, or no longer
}

// Run measures all peers and prints the tables. A peer whose server isn't
// installed is skipped, which is told and is no error. If one fails, the others
// have their tables.
func (b *Bench) Run(ctx context.Context) error {
	results := make([]result, len(b.Peers))
	for i, p := range b.Peers {
		results[i].peer = p
	}
	var failed error
	for round := range b.Rounds {
		for j := range b.Peers {
			r := &results[(j+round)%len(b.Peers)] // nobody is always behind the same one
			if r.missing == nil {
				failed = errors.Join(failed, b.turn(ctx, round, r))
			}
		}
	}
	return errors.Join(failed, b.report(ctx, results))
}

// turn measures one peer once. That its server isn't installed is no error.
func (b *Bench) turn(ctx context.Context, round int, r *result) error {
	runtime.GC() // nobody pays for another's garbage
	s, err := b.measure(ctx, r.peer)
	if err != nil {
		r.missing = err
		fmt.Fprintf(b.Log, "%s: %s: %v\n", r.verdict(), r.peer.title(), err)
		if errors.Is(err, server.ErrMissing) {
			return nil
		}
		return fmt.Errorf("%s: %w", r.peer.title(), err)
	}
	fmt.Fprintf(b.Log, "round %d: %s: %.0f tasks/s, submitted %.0f/s, drained %.0f/s, start p50 %v p99 %v\n", round+1, r.peer.title(),
		b.rate(s.flow), b.rate(s.submit), b.rate(s.drain), s.started.Median(), s.started.Percentile(99))
	r.samples = append(r.samples, s)
	return nil
}

// measure opens a peer, gives it its jobs, and closes it.
func (b *Bench) measure(ctx context.Context, p Peer) (s sample, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("not done after %v", patience))
	defer cancel()
	dir, err := b.mkdir()
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	system, err := p.Open(ctx, dir)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, system.Close(context.WithoutCancel(ctx))) }()
	s.server = system.Server()
	l := load{system, b.Scale, new(ledger)}
	if _, err := l.flow(ctx, b.Warm); err != nil {
		return s, fmt.Errorf("warm up: %w", err)
	}
	if s.started, err = l.steady(ctx, b.Paced); err != nil {
		return s, fmt.Errorf("jobs at a steady pace: %w", err)
	}
	if s.submit, s.drain, err = l.backlog(ctx, b.Jobs); err != nil {
		return s, fmt.Errorf("jobs before workers: %w", err)
	}
	if s.flow, err = l.flow(ctx, b.Jobs); err != nil {
		return s, fmt.Errorf("jobs while there are workers: %w", err)
	}
	s.again, err = l.ledger.audit()
	return s, err
}

// mkdir makes a directory that a server which runs as somebody else can pass.
func (b *Bench) mkdir() (string, error) {
	dir, err := os.MkdirTemp(b.Dir, "queue-bench")
	if err != nil {
		return "", err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return "", err
	}
	return dir, os.Chmod(dir, 0o711)
}

func (b *Bench) rate(d time.Duration) float64 { return float64(b.Jobs) / d.Seconds() }

// verdict is what to call it that a peer is missing.
func (r result) verdict() string {
	if errors.Is(r.missing, server.ErrMissing) {
		return "SKIPPED"
	}
	return "FAILED"
}

func (p Peer) title() string { return fmt.Sprintf("%s (%s; %s)", p.Name, p.settings(), p.Config) }

func (p Peer) settings() string {
	if p.Settings == "" {
		return "defaults"
	}
	return p.Settings
}
