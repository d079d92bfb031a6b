package natsbus

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// nodeWords tells of what the server stores that processes say.
func nodeWords(t *testing.T, b *Bus) <-chan struct{} {
	t.Helper()
	words := make(chan struct{}, 1)
	c, err := b.js.OrderedConsumer(t.Context(), streamNodes, jetstream.OrderedConsumerConfig{FilterSubjects: []string{b.nodePrefix() + "*"}})
	if err != nil {
		t.Fatal(err)
	}
	reading, err := c.Consume(func(jetstream.Msg) {
		select {
		case words <- struct{}{}:
		default: // one waits
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		reading.Stop()
		<-reading.Closed()
	})
	return words
}

func TestNodes(t *testing.T) {
	t.Parallel()
	ns := newNamespace()
	b := sharedBus(t, ns)
	nodes := func() []NodeInfo {
		all, err := b.Nodes(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	words := nodeWords(t, b)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 2)
	for _, name := range []string{"w2", "w1"} {
		go func() {
			ended <- b.Announce(ctx, nil, func() NodeInfo {
				return NodeInfo{Node: name, Queues: []string{"default"}, Labels: map[string]string{"gpu": "1"}, Concurrency: 4, Running: 1}
			})
		}()
	}
	all := nodes()
	for ; len(all) < 2; all = nodes() {
		receive(t, "a process", words)
	}
	if all[0].Node != "w1" || all[1].Node != "w2" || all[0].Labels["gpu"] != "1" || all[0].Seen.IsZero() {
		t.Errorf("the processes are %+v", all)
	}
	seen := all[0].Seen
	for !nodes()[0].Seen.After(seen) {
		receive(t, "another beat", words)
	}
	cancel()
	for range 2 {
		if err := receive(t, "the end", ended); !errors.Is(err, context.Canceled) {
			t.Errorf("announcing ended with %v", err)
		}
	}
	if left := nodes(); len(left) != 0 {
		t.Errorf("%v are there, want none after they have left", left)
	}
}

func TestNodeThatDied(t *testing.T) {
	t.Parallel()
	b := sharedBus(t, newNamespace())
	if _, err := b.beat(t.Context(), NodeInfo{Node: "dead"}); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	until(t, "its end", func() bool {
		all, err := b.Nodes(t.Context())
		return err == nil && len(all) == 0
	})
	if lived := time.Since(began); lived < 5*time.Second || lived > 14*time.Second {
		t.Errorf("it was there for %v without a beat, want about 10 s", lived)
	}
}

// TestNodeTellsChanges has a process tell at once what has changed.
func TestNodeTellsChanges(t *testing.T) {
	t.Parallel()
	b := sharedBus(t, newNamespace())
	changed, told := make(chan struct{}), make(chan struct{}, 8)
	background(t, func(ctx context.Context) error {
		return b.Announce(ctx, changed, func() NodeInfo { told <- struct{}{}; return NodeInfo{Node: "w", Draining: len(told) > 0} })
	})
	receive(t, "the first beat", told)
	began := time.Now()
	for range 3 {
		changed <- struct{}{}
		receive(t, "another beat", told)
	}
	if took := time.Since(began); took > nodeBeat/2 {
		t.Errorf("three changes were told in %v", took)
	}
}
