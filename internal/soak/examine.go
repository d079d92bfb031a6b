package soak

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// examiners is how many runs are read at a time.
const examiners = 8

// examine reads all that is known of each run, and checks it.
func (d *driver) examine(ctx context.Context, did *deeds, keep string) (all []Finding, stats counts, err error) {
	in := make(chan *submitted)
	var readers sync.WaitGroup
	var mu sync.Mutex
	for range examiners {
		readers.Go(func() {
			for s := range in {
				v, readErr := d.read(ctx, s, did)
				mu.Lock()
				err = errors.Join(err, readErr)
				found := v.check()
				all = append(all, found...)
				stats.count(v)
				mu.Unlock()
				if len(found) > 0 {
					v.keep(keep, found)
				}
			}
		})
	}
	for _, s := range d.submissions() {
		in <- s
	}
	close(in)
	readers.Wait()
	return all, stats, err
}

// read reads what is stored of a run.
func (d *driver) read(ctx context.Context, s *submitted, did *deeds) (*evidence, error) {
	v := &evidence{run: s, deeds: did}
	h, err := d.engine.History(ctx, s.id)
	if err != nil && !errors.Is(err, engine.ErrNotFound) {
		return v, fmt.Errorf("examine run %s: %w", s.id, err)
	}
	v.history = h
	if !s.ended.IsZero() {
		v.mark, err = d.listed(ctx, s)
	}
	return v, err
}

// listedWithin is how long after a run's end lists tell of it, at the latest.
const listedWithin = 20 * time.Second

// listed is how lists tell that a run stands, once they tell its end.
func (d *driver) listed(ctx context.Context, s *submitted) (engine.Mark, error) {
	for end := time.Now().Add(listedWithin); ; {
		m, err := d.bus.Run(ctx, s.id)
		switch {
		case err != nil && !errors.Is(err, engine.ErrNotFound):
			return m, fmt.Errorf("how is run %s listed: %w", s.id, err)
		case err == nil && !m.Ended.IsZero(), time.Now().After(end):
			return m, nil
		}
		if err := wait(ctx, time.Second); err != nil {
			return m, err
		}
	}
}

// counts sum up what was in the logs.
type counts struct {
	accepted, ended     int
	events, activations int
	byStatus            map[engine.Status]int
	discarded           int         // events that were stored and did not count
	times               []time.Time // of events
}

func (c *counts) count(v *evidence) {
	if !v.run.accepted {
		return
	}
	c.accepted++
	if v.history == nil {
		return
	}
	if !v.run.ended.IsZero() {
		c.ended++
		if c.byStatus == nil {
			c.byStatus = map[engine.Status]int{}
		}
		c.byStatus[v.run.told.Status]++
	}
	c.events += len(v.history.Events)
	seen := map[string]bool{}
	for _, e := range v.history.Events {
		c.times = append(c.times, e.Time)
		if !decides(e) {
			seen[e.Activation] = true
		}
	}
	c.activations += len(seen)
	for _, n := range v.history.Notices {
		if n.Type == engine.NoticeWarning && len(n.Message) > 5 && n.Message[:5] == stale {
			c.discarded++
		}
	}
}

// pause is the longest time between two events of any run until a time.
func (c *counts) pause(until time.Time) time.Duration {
	slices.SortFunc(c.times, time.Time.Compare)
	longest := time.Duration(0)
	for i := 1; i < len(c.times) && c.times[i].Before(until); i++ {
		longest = max(longest, c.times[i].Sub(c.times[i-1]))
	}
	return longest
}

// keep writes all that is known of a run with which something is wrong to a file.
func (v *evidence) keep(dir string, found []Finding) {
	f, err := os.Create(filepath.Join(dir, v.run.id+".txt"))
	if err != nil {
		return // what was found is told all the same
	}
	defer func() { _ = f.Close() }() // what was found is told all the same
	for _, one := range found {
		fmt.Fprintln(f, one)
	}
	line := json.NewEncoder(f)
	fmt.Fprintf(f, "asked %s, ended %s, listed as %+v, told:\n", v.run.asked, v.run.ended, v.mark)
	_ = line.Encode(v.run.told) // to a file; likewise below
	if v.history == nil {
		return
	}
	for _, e := range v.history.Events {
		_ = line.Encode(e)
	}
	fmt.Fprintln(f, "live:")
	_ = line.Encode(v.history.Live)
	fmt.Fprintln(f, "executions:")
	for k, all := range v.deeds.executed {
		if k.run == v.run.id {
			fmt.Fprintln(f, k.activation, k.attempt, all)
		}
	}
}
