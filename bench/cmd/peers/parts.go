package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"time"

	"github.com/graflow/graflow-wasm/bench/internal/cases"
	"github.com/graflow/graflow-wasm/bench/internal/guest"
	"github.com/graflow/graflow-wasm/bench/internal/queue"
	"github.com/graflow/graflow-wasm/bench/internal/record"
	"github.com/graflow/graflow-wasm/bench/internal/server"
)

// sandbox measures calls of guests.
func (p *plan) sandbox(ctx context.Context, keep *files) (err error) {
	dir, err := os.MkdirTemp("", "peers-guests")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	w, err := keep.part("sandbox")
	if err != nil {
		return err
	}
	scale := cases.LongPeers
	if p.quick {
		scale = cases.ShortPeers
	}
	p.tell("sandbox: building the guests, and compiling them on every host")
	return cases.Peers(ctx, guest.Builder{Dir: dir}, scale, w, p.tell)
}

// temporalRounds are those that Temporal takes part in: its turns are the longest, and
// all has to end within ten minutes.
const temporalRounds = 2

// queues measures queues and flows, round by round, each system once in a round.
func (p *plan) queues(ctx context.Context, keep *files) error {
	scale, rounds := queue.LongTurn, 3
	if p.quick {
		scale, rounds = queue.ShortTurn, 1
	}
	if p.rounds > 0 {
		rounds = p.rounds
	}
	var peers []*contender
	if slices.Contains(p.only, "queue") {
		for _, peer := range queue.FlowPeers() {
			peers = append(peers, &contender{Peer: peer})
		}
	}
	var failed error
	for round := 1; round <= rounds; round++ {
		for i := range peers {
			c := peers[(i+round-1)%len(peers)] // nobody is always behind the same one
			failed = errors.Join(failed, p.turn(ctx, keep, c, scale, round))
		}
		if slices.Contains(p.only, "temporal") && round <= temporalRounds {
			failed = errors.Join(failed, p.child(ctx, keep, round))
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return failed
}

// contender is a peer as long as it can be measured.
type contender struct {
	queue.Peer
	missing bool
}

// turn measures one peer once. That its server isn't installed is no error, but told.
func (p *plan) turn(ctx context.Context, keep *files, c *contender, scale queue.TurnScale, round int) error {
	if c.missing {
		return nil
	}
	p.tell(fmt.Sprintf("round %d: %s %s; %s", round, c.Name, c.Settings, c.Config))
	w, err := keep.part("queue")
	if err != nil {
		return err
	}
	measured, err := queue.Turn(ctx, c.Peer, scale, round)
	for i := range measured {
		if err := w.Write(record.Line{Measured: &measured[i]}); err != nil {
			return err
		}
	}
	if err != nil {
		c.missing = true
		p.tell(fmt.Sprintf("MISSING: %s: %v", c.Name, err))
		lost := w.Write(record.Line{Missing: &record.Missing{Part: queue.Part, Who: c.Name, Class: string(c.Class), Why: err.Error()}})
		if errors.Is(err, server.ErrMissing) {
			err = nil
		}
		return errors.Join(err, lost)
	}
	return nil
}

// childPatience is how long Temporal's program may take for its classes: half a minute
// on a machine that does nothing else.
const childPatience = 5 * time.Minute

// child lets Temporal's program measure its own, once. What it says are records.
func (p *plan) child(ctx context.Context, keep *files, round int) error {
	w, err := keep.part("temporal")
	if err != nil {
		return err
	}
	if p.temporal == "" {
		return p.noTemporal(w, keep.machine, round)
	}
	p.tell(fmt.Sprintf("round %d: Temporal", round))
	ctx, cancel := context.WithTimeout(ctx, childPatience)
	defer cancel()
	args := []string{"-round", strconv.Itoa(round), "-command", p.command}
	if p.quick {
		args = append(args, "-quick")
	}
	cmd := exec.CommandContext(ctx, p.temporal, args...)
	cmd.Stderr = p.log
	said, err := cmd.Output()
	if _, readErr := record.Read(bytes.NewReader(said)); readErr != nil {
		return fmt.Errorf("what Temporal's program says: %w", errors.Join(err, readErr))
	}
	if _, writeErr := w.To.Write(said); writeErr != nil || err == nil {
		return writeErr
	}
	p.temporal, p.why = "", fmt.Sprintf("in round %d: %v", round, err)
	return errors.Join(fmt.Errorf("measure Temporal: %w", err), p.noTemporal(w, keep.machine, 1))
}

// noTemporal tells, once, why there is no Temporal.
func (p *plan) noTemporal(w record.Writer, here record.Machine, round int) error {
	if round > 1 {
		return nil
	}
	p.tell("MISSING: Temporal: " + p.why)
	return errors.Join(
		w.Write(record.Line{Machine: &here}),
		w.Write(record.Line{Missing: &record.Missing{Part: queue.Part, Who: "Temporal", Why: p.why}}),
	)
}
