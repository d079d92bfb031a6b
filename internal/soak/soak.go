package soak

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/natsbus"
)

// Config says what a soak does. All fields are required but Seed, JSON and Dir.
type Config struct {
	Duration    time.Duration // of submissions and faults
	Seed        uint64        // of the schedule of faults, and of what is submitted
	Rate        float64       // runs a second
	Servers     int           // 1 or 3
	Workers     int
	Concurrency int           // attempts at a time in a worker
	Lease       time.Duration // of deliveries
	Archive     time.Duration // after a run's end, less than 0 is never
	Settle      time.Duration // time that all has to end in once faults are over
	OnWorkers   bool          // faults work on them
	OnServers   bool          // likewise
	OnCells     bool          // likewise on those in which workers run guests
	OnNetwork   bool          // likewise on what is between workers and servers
	JSON        string        // file to which the report goes too, as JSON; "" is none
	Dir         string        // where all is kept; "" is a new directory, removed if nothing is found
	Verbose     bool          // tell each fault, and each error that a submitter sees
}

// soak is one under way.
type soak struct {
	cfg     Config
	out     io.Writer
	dir     string
	began   time.Time
	fleet   *fleet
	faults  *faults
	driver  *driver
	settled time.Duration // after faults were over; less than 0: not in time
	tickets uint64        // left
}

// Run soaks a cluster, and writes a summary. It reports what was found; an error says
// that the soak could not be made.
func Run(ctx context.Context, cfg Config, out io.Writer) ([]Finding, error) {
	s := &soak{cfg: cfg, out: out, dir: cfg.Dir, began: time.Now()}
	if s.dir == "" {
		dir, err := os.MkdirTemp("", "soak-")
		if err != nil {
			return nil, err
		}
		s.dir = dir
	}
	found, err := s.run(ctx)
	if cfg.Dir == "" && len(found) == 0 && err == nil {
		return nil, os.RemoveAll(s.dir)
	}
	fmt.Fprintf(out, "all is kept in %s\n", s.dir)
	return found, err
}

func (s *soak) say(format string, args ...any) {
	if s.cfg.Verbose {
		fmt.Fprintf(s.out, "%8.3f "+format+"\n", append([]any{time.Since(s.began).Seconds()}, args...)...)
	}
}

func (s *soak) run(ctx context.Context) ([]Finding, error) {
	var err error
	if s.fleet, err = newFleet(s.cfg, s.dir); err != nil {
		return nil, err
	}
	defer s.fleet.end()
	bus, err := s.fleet.start(ctx)
	if err != nil {
		return nil, err
	}
	defer bus.Close()
	cells, err := newCellar(ctx, s.fleet.guests, slog.Default())
	if err != nil {
		return nil, err
	}
	defer cells.close()                                           //nolint:contextcheck // closing has no context to end by
	if s.driver, err = newDriver(bus, cells, s.say); err != nil { //nolint:contextcheck // what handlers do has the attempts' contexts
		return nil, err
	}
	defer func() { _ = s.driver.engine.Close() }() //nolint:contextcheck // it ends what has no context of ours
	s.faults = newFaults(s.fleet.servers, s.fleet.workers, s.say)
	s.soak(ctx, bus)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return s.findings(ctx)
}

// soak submits runs while faults work, and then waits until all has settled.
func (s *soak) soak(ctx context.Context, bus *natsbus.Bus) {
	s.began = time.Now()
	working, stop := context.WithTimeout(ctx, s.cfg.Duration)
	defer stop()
	settling, end := context.WithCancel(ctx)
	defer end()
	submitted := make(chan struct{})
	go func() {
		defer close(submitted)
		s.driver.submit(working, settling, s.cfg.Rate, rand.New(rand.NewPCG(s.cfg.Seed, 0)))
	}()
	s.faults.run(working, &s.cfg)
	<-working.Done()
	healed := time.Now()
	s.say("faults are over; %d runs are open", s.driver.open.Load())
	bound := time.AfterFunc(s.cfg.Settle, end)
	defer bound.Stop()
	<-submitted
	s.settled = time.Since(healed)
	if settling.Err() != nil {
		s.settled = -1
	}
	s.drainQueues(ctx, bus, healed.Add(s.cfg.Settle))
}

// drainQueues waits until no ticket is left.
func (s *soak) drainQueues(ctx context.Context, bus *natsbus.Bus, until time.Time) {
	for {
		queues, err := bus.Queues(ctx)
		if err == nil {
			s.tickets = 0
			for _, q := range queues {
				s.tickets += q.Ready + uint64(max(0, q.InFlight))
			}
			if s.tickets == 0 {
				return
			}
		}
		if time.Now().After(until) || wait(ctx, time.Second) != nil {
			return
		}
	}
}

// findings examines all runs, and writes the summary.
func (s *soak) findings(ctx context.Context) ([]Finding, error) {
	did, err := readLedgers(s.fleet.ledgers)
	if err != nil {
		return nil, err
	}
	broken := filepath.Join(s.dir, "broken")
	if err := os.MkdirAll(broken, 0o700); err != nil {
		return nil, err
	}
	found, c, err := s.driver.examine(ctx, did, broken)
	if err != nil {
		return found, err
	}
	all, bad := s.faults.told()
	for _, what := range bad {
		found = append(found, Finding{Rule: ruleProcess, What: what})
	}
	if s.tickets > 0 {
		found = append(found, Finding{Rule: ruleQueue, What: fmt.Sprintf("%d tickets are left", s.tickets)})
	}
	r := &report{soak: s, counts: c, deeds: did, again: did.explain(all), faults: all, found: found}
	if len(all) == 0 && len(r.again.unexplained) > 0 {
		found = append(found, Finding{Rule: ruleExecution, What: fmt.Sprintf("without any fault %d attempts were executed again, such as %v", len(r.again.unexplained), r.again.unexplained[0])})
		r.found = found
	}
	if c.accepted == 0 {
		return found, errors.New("no run was accepted")
	}
	if err := r.writeJSON(s.cfg.JSON); err != nil {
		return found, err
	}
	return found, r.write(s.out)
}

// sentence joins words for a table.
func sentence(words []string) string { return strings.Join(words, ", ") }
