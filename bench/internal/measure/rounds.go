package measure

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"
)

// Contender is one of several ways to do the same.
type Contender struct {
	Name string
	// Worker makes what does the task over and over; it is called once for each
	// worker, and what it returns is used by one goroutine.
	Worker func(ctx context.Context) (func(context.Context) error, error)
}

// Plan says how long to measure.
type Plan struct {
	Rounds  int
	Turn    time.Duration // of one contender in one round
	Least   int           // tasks of each worker in a turn, however long they take
	Workers int           // that run tasks at the same time
	// Turned is told of every turn once it's over, and may end all by an error; nil:
	// nobody is.
	Turned func(Lap) error
}

// Lap is one turn of one contender.
type Lap struct {
	Name  string
	Round int // from 1 on
	Times Times
	Busy  time.Duration // from the first begin to the last end
}

// Result is what one contender did.
type Result struct {
	Name  string
	Half  [2]Times // of the earlier rounds, of the later
	busy  time.Duration
	tasks int
}

// All are the times of both halves.
func (r Result) All() Times { return append(r.Half[0][:len(r.Half[0]):len(r.Half[0])], r.Half[1]...) }

// Drift is how far the medians of the two halves are apart: 0.1 is 10 %.
func (r Result) Drift() float64 {
	a, b := r.Half[0].Median(), r.Half[1].Median()
	if a == 0 || b == 0 {
		return 0
	}
	return Ratio(max(a, b), min(a, b)) - 1
}

// PerSecond is how many tasks all workers did together in a second.
func (r Result) PerSecond() float64 {
	if r.busy == 0 {
		return 0
	}
	return float64(r.tasks) / r.busy.Seconds()
}

// Rounds measures all contenders, in their order.
func Rounds(ctx context.Context, plan Plan, contenders []Contender) ([]Result, error) {
	results := make([]Result, len(contenders))
	workers := make([][]func(context.Context) error, len(contenders))
	for i, c := range contenders {
		results[i].Name = c.Name
		for range plan.Workers {
			w, err := c.Worker(ctx)
			if err == nil {
				err = w(ctx) // what happens once is not measured
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %w", c.Name, err)
			}
			workers[i] = append(workers[i], w)
		}
	}
	for round := range plan.Rounds {
		half := 2 * round / plan.Rounds
		for j := range contenders {
			i := (j + round) % len(contenders) // nobody is always behind the same one
			runtime.GC()                       // nobody pays for another's garbage
			lap, err := turn(ctx, plan, workers[i])
			if err == nil && plan.Turned != nil {
				lap.Name, lap.Round = contenders[i].Name, round+1
				err = plan.Turned(lap)
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %w", contenders[i].Name, err)
			}
			results[i].add(lap, half)
		}
	}
	return results, nil
}

func (r *Result) add(l Lap, half int) {
	r.busy += l.Busy
	r.tasks += len(l.Times)
	r.Half[half] = append(r.Half[half], l.Times...)
}

// turn lets all workers of one contender run for a while.
func turn(ctx context.Context, plan Plan, workers []func(context.Context) error) (Lap, error) {
	times, errs := make([]Times, len(workers)), make([]error, len(workers))
	var all sync.WaitGroup
	start := time.Now()
	for i, w := range workers {
		all.Go(func() {
			for last := start; len(times[i]) < plan.Least || last.Sub(start) < plan.Turn; {
				if errs[i] = w(ctx); errs[i] != nil {
					return
				}
				now := time.Now()
				times[i] = append(times[i], now.Sub(last))
				last = now
			}
		})
	}
	all.Wait()
	lap := Lap{Busy: time.Since(start)}
	for _, t := range times {
		lap.Times = append(lap.Times, t...)
	}
	return lap, errors.Join(errs...)
}
