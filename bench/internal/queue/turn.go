package queue

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"

	"github.com/graflow/graflow-wasm/bench/internal/record"
)

// Part is what the records of this package say of themselves.
const Part = "queue"

// The cases of a turn, in their order. Their names are those of the records.
const (
	CaseStart   = "start"   // from before a job is submitted until it begins; one worker
	CaseJob     = "job"     // until it's known to be completed; one worker, one caller
	CaseJobs    = "jobs"    // the same, many workers, as many callers
	CaseFlood   = "flood"   // jobs submitted by many at once who don't wait for them
	CaseChain   = "chain"   // steps of a chain, one caller
	CaseChains  = "chains"  // the same, several callers
	CaseFanOut  = "fan-out" // one job, many at the same time, one that joins them
	chainers    = 16        // callers of CaseChains
	turnMinutes = 2         // and no turn takes longer
)

// TurnScale says how much is measured in one turn of one peer.
type TurnScale struct {
	Span    time.Duration // of each case but the fan-out, which has as many again
	Jobs    int           // of the flood at most
	Workers int           // where there are many
	Steps   int           // of a chain
	Width   int           // of a fan
	Fans    int           // at least
}

// The scales a turn may have. LongTurn takes some 5 s, where a queue answers in time.
var (
	LongTurn  = TurnScale{Span: 400 * time.Millisecond, Jobs: 5000, Workers: 64, Steps: 10, Width: 1000, Fans: 2}
	ShortTurn = TurnScale{Span: 50 * time.Millisecond, Jobs: 200, Workers: 16, Steps: 10, Width: 100, Fans: 1}
)

// Turn opens a peer, measures every case once, and closes it. Cases that were measured
// before one that failed are told too, but none if a job was lost.
func Turn(ctx context.Context, p Peer, scale TurnScale, round int) (all []record.Measured, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, turnMinutes*time.Minute, fmt.Errorf("not done after %d minutes", turnMinutes))
	defer cancel()
	runtime.GC() // nobody pays for another's garbage
	dir, err := (&Bench{}).mkdir()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	opened, err := p.Open(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, opened.Close(context.WithoutCancel(ctx))) }()
	flows, ok := opened.(Flows)
	if !ok {
		return nil, fmt.Errorf("%s knows no flows", p.title())
	}
	t := turn{flows: flows, scale: scale, brief: p.Brief, load: load{system: flows, ledger: new(ledger)}}
	err = t.all(ctx)
	again, lost := t.load.ledger.audit()
	if err == nil && lost != nil {
		return nil, lost // what was measured is no work
	}
	for _, m := range t.measured {
		m.Part, m.Who, m.Version, m.Settings = Part, p.Name, p.version(), p.settings()
		m.Class, m.Durability, m.Loses = string(p.Class), p.Config, p.Loses.Power
		m.Round, m.Again = round, again
		all = append(all, m)
	}
	return all, err
}

// turn is one that goes on.
type turn struct {
	flows    Flows
	scale    TurnScale
	brief    bool
	load     load
	measured []record.Measured
}

func (t *turn) all(ctx context.Context) error {
	for _, part := range []struct {
		name    string
		watched bool
		workers int
		run     func(context.Context) error
	}{
		{"one worker", true, 1, t.alone},
		{"many workers", true, t.scale.Workers, t.together},
		{"a flood", false, t.scale.Workers, t.flood},
	} {
		if err := t.with(ctx, part.watched, part.workers, part.run); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	return nil
}

// with runs something while workers run.
func (t *turn) with(ctx context.Context, watched bool, workers int, run func(context.Context) error) (err error) {
	if watched {
		unwatch, watchErr := t.flows.Watch(ctx)
		if watchErr != nil {
			return watchErr
		}
		defer func() { err = errors.Join(err, unwatch()) }()
	}
	stop, err := t.flows.Work(ctx, workers, t.load.ledger.run)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ending(ctx, stop)) }()
	return run(ctx)
}

// one runs a job that nobody was given before.
func (t *turn) one(ctx context.Context) error {
	job, _ := t.load.ledger.expect(1)
	return t.flows.Run(ctx, job)
}

// idle is how long workers wait before a job that is measured alone: one that comes as
// soon as the one before is done is found by those that look for jobs now and then too.
const idle = 5 * time.Millisecond

// alone is one job at a time, that comes to a worker which waits for some.
func (t *turn) alone(ctx context.Context) error {
	if err := t.one(ctx); err != nil { // what happens once is not measured
		return err
	}
	var started, done laps
	_, err := loop{callers: 1, span: t.scale.Span, least: 3}.run(ctx, func(ctx context.Context) error {
		sleep(ctx, idle)
		job, _ := t.load.ledger.expect(1)
		begin := time.Now()
		if err := t.flows.Run(ctx, job); err != nil {
			return err
		}
		done.add(time.Since(begin))
		started.add(t.load.ledger.since(job)[0].Sub(begin))
		return nil
	})
	if err != nil {
		return err
	}
	t.add(CaseStart, 1, 1, started)
	t.add(CaseJob, 1, 1, done)
	return nil
}

// together is what many workers do.
func (t *turn) together(ctx context.Context) error {
	warm := loop{callers: t.scale.Workers, least: 2}
	if _, err := warm.run(ctx, t.one); err != nil {
		return err
	}
	if err := t.laps(ctx, CaseJobs, t.scale.Workers, t.one); err != nil || t.brief {
		return err
	}
	if err := t.chain(ctx); err != nil { // what happens once is not measured
		return err
	}
	if err := t.laps(ctx, CaseChain, 1, t.chain); err != nil {
		return err
	}
	if err := t.laps(ctx, CaseChains, chainers, t.chain); err != nil {
		return err
	}
	did, err := loop{callers: 1, span: t.scale.Span * 2, least: t.scale.Fans}.run(ctx, t.fanOut)
	t.add(CaseFanOut, 1, t.scale.Workers, did)
	return err
}

// laps measures one case of a loop.
func (t *turn) laps(ctx context.Context, name string, callers int, one func(context.Context) error) error {
	did, err := loop{callers: callers, span: t.scale.Span, least: 1}.run(ctx, one)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	t.add(name, callers, t.scale.Workers, did)
	return nil
}

func (t *turn) chain(ctx context.Context) error {
	first, _ := t.load.ledger.expect(t.scale.Steps)
	if err := t.flows.Chain(ctx, first, t.scale.Steps); err != nil {
		return err
	}
	return t.load.ledger.inOrder(first, t.scale.Steps)
}

func (t *turn) fanOut(ctx context.Context) error {
	first, _ := t.load.ledger.expect(t.scale.Width + 2)
	if err := t.flows.FanOut(ctx, first, t.scale.Width); err != nil {
		return err
	}
	return t.load.ledger.joined(first, t.scale.Width)
}

func (t *turn) flood(ctx context.Context) error {
	did, took, err := t.load.flood(ctx, t.scale.Workers, t.scale.Jobs, 3*t.scale.Span)
	if err != nil {
		return err
	}
	t.measured = append(t.measured, record.Measured{
		Case: CaseFlood, Callers: t.scale.Workers, Workers: t.scale.Workers, Tasks: did, Took: took,
	})
	return nil
}

func (t *turn) add(name string, callers, workers int, did laps) {
	t.measured = append(t.measured, record.Measured{
		Case: name, Callers: callers, Workers: workers, Tasks: len(did.times), Took: did.took,
		Min: did.times.Percentile(0), P50: did.times.Median(), P99: did.times.Percentile(99), Max: did.times.Percentile(100),
	})
}
