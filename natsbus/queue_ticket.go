package natsbus

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/graflow/graflow-wasm/engine"
)

// tasksStream is the work queue. It refuses what is over its limits: what is
// enqueued already is never lost to what comes.
func tasksStream(cfg Config) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:        streamTasks,
		Description: "graflow-wasm: tickets of ready activations",
		Subjects:    []string{"gf.task.>"},
		Retention:   jetstream.WorkQueuePolicy,
		Discard:     jetstream.DiscardNew,
		Storage:     jetstream.FileStorage,
		Replicas:    cfg.Replicas,
		MaxBytes:    maxTaskBytes,
	}
}

// maxTaskBytes bounds the work queue: some four million tickets.
const maxTaskBytes = 1 << 30

// ticket leads a worker to what it executes, in a run's log.
type ticket struct {
	Run        string `json:"run"`
	Activation string `json:"activation"`
	Attempt    int    `json:"attempt"`
	Rev        uint64 `json:"rev,omitempty"`
	Seq        uint64 `json:"seq,omitempty"`
	Task       string `json:"task,omitempty"`
}

func ticketOf(d *engine.Delivery) ticket {
	t := ticket{Run: d.Run, Activation: d.Activation, Attempt: d.Attempt, Rev: d.Rev, Seq: d.Seq}
	if d.Task != nil {
		t.Task = d.Task.ID
	}
	return t
}

// readTicket makes a delivery of what is on the stream.
func readTicket(data []byte) (*engine.Delivery, error) {
	var t ticket
	if err := engine.DecodeKnown(data, &t); err != nil {
		return nil, fmt.Errorf("read a ticket: %w", err)
	}
	if t.Run == "" {
		return nil, errors.New("read a ticket: it names no run")
	}
	d := &engine.Delivery{Run: t.Run, Activation: t.Activation, Attempt: t.Attempt, Rev: t.Rev, Seq: t.Seq}
	if t.Task != "" {
		d.Task = &engine.Task{ID: t.Task}
	}
	return d, nil
}

// ticketSubject is where a ticket is published. No two of the same revision are in
// the queue at once.
func ticketSubject(c class, ns string, d *engine.Delivery) string {
	return c.prefix(ns) + "." + token(d.Run) + "." + token(d.Activation) + "." + strconv.FormatUint(d.Rev, 10)
}
