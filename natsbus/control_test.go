package natsbus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/graflow/graflow-wasm/engine"
)

// owner answers for all partitions.
func owner(tb testing.TB, ns string, f func(ctx context.Context, run, method string, body []byte) ([]byte, error)) *Cluster {
	tb.Helper()
	bus := sharedBus(tb, ns)
	c := newCluster(bus, newJournal(bus, nil))
	background(tb, func(ctx context.Context) error { return c.Answer(ctx, f) })
	ownAll(c, true)
	return c
}

func ownAll(c *Cluster, mine bool) {
	for p := range Partitions {
		if mine && c.journal != nil {
			f := newFollower(c.bus, p, nil)
			f.hold(time.Now().Add(time.Hour))
			c.journal.parts[p].Store(f)
		}
		c.shares.set(p, mine)
	}
}

// TestAnswerLate: who does not hold a run's partition any more, and has not learned it,
// does nothing of what it was asked while it did.
func TestAnswerLate(t *testing.T) {
	t.Parallel()
	ns := newNamespace()
	var done atomic.Int32
	c := owner(t, ns, func(context.Context, string, string, []byte) ([]byte, error) {
		done.Add(1)
		return nil, nil
	})
	b := sharedBus(t, ns)
	if _, err := b.Ask(t.Context(), "r", "hold", nil); err != nil || done.Load() != 1 {
		t.Fatalf("asked of who holds it: done %d times, error %v", done.Load(), err)
	}
	c.journal.follower("r").hold(time.Now().Add(-time.Second))
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	if _, err := b.Ask(ctx, "r", "hold", nil); !errors.Is(err, context.DeadlineExceeded) || done.Load() != 1 {
		t.Errorf("asked of who did hold it: done %d times, error %v, want that another is looked for", done.Load(), err)
	}
	c.journal.follower("r").hold(time.Now().Add(time.Hour))
	if _, err := b.Ask(t.Context(), "r", "hold", nil); err != nil || done.Load() != 2 {
		t.Errorf("asked of who holds it again: done %d times, error %v", done.Load(), err)
	}
}

func TestAsk(t *testing.T) {
	t.Parallel()
	ns := newNamespace()
	b := sharedBus(t, ns)
	owner(t, ns, func(_ context.Context, run, method string, body []byte) ([]byte, error) {
		switch method {
		case "echo":
			return fmt.Appendf(nil, "%s of %s", body, run), nil
		case "huge":
			return make([]byte, 2<<20), nil
		case "own":
			return nil, &AnswerError{Code: 418, Text: "a\r\nteapot"}
		}
		return nil, fmt.Errorf("run %q: %w", run, engine.ErrNotFound)
	})
	got, err := b.Ask(t.Context(), "a.b ü", "echo", []byte("hello"))
	if err != nil || string(got) != "hello of a.b ü" {
		t.Errorf("the answer is %q, %v", got, err)
	}
	_, err = b.Ask(t.Context(), "r", "none", nil)
	if !errors.Is(err, engine.ErrNotFound) || errors.Is(err, engine.ErrConflict) || !strings.Contains(err.Error(), `run "r": not found`) {
		t.Errorf("the error is %v, want ErrNotFound with the owner's words", err)
	}
	var answer *AnswerError
	if _, err = b.Ask(t.Context(), "r", "own", nil); !errors.As(err, &answer) || answer.Code != 418 {
		t.Errorf("the error is %v, want code 418", err)
	}
	if _, err = b.Ask(t.Context(), "r", "huge", nil); err == nil || !strings.Contains(err.Error(), "2097152 bytes") {
		t.Errorf("an answer that is too large: %v", err)
	}
	if _, err = b.Ask(t.Context(), "r", "echo", bytes.Repeat([]byte("x"), 2<<20)); err == nil || !strings.Contains(err.Error(), "the request has") {
		t.Errorf("a request that is too large: %v", err)
	}
}

func TestAskWhileOwnershipMoves(t *testing.T) {
	t.Parallel()
	ns := newNamespace()
	b := sharedBus(t, ns)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := b.Ask(ctx, "r", "m", nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("asking nobody: %v, want ctx's error", err)
	}
	answer := make(chan error, 1)
	go func() {
		_, err := b.Ask(t.Context(), "r", "m", nil)
		answer <- err
	}()
	asked := make(chan struct{}, 100)
	first := owner(t, ns, func(context.Context, string, string, []byte) ([]byte, error) {
		asked <- struct{}{}
		return nil, ErrElsewhere
	})
	receive(t, "a question", asked)
	ownAll(first, false)
	owner(t, ns, func(context.Context, string, string, []byte) ([]byte, error) { return nil, nil })
	if err := receive(t, "an answer", answer); err != nil {
		t.Errorf("the new owner's answer: %v", err)
	}
}

// What an owner was asked that ends is done by the next one.
func TestAskOneWhoLeaves(t *testing.T) {
	t.Parallel()
	ns := newNamespace()
	b := sharedBus(t, ns)
	c := newCluster(b, newJournal(b, nil))
	ownAll(c, true)
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	asked := make(chan struct{}, 1)
	left := make(chan error, 1)
	go func() {
		left <- c.Answer(ctx, func(ctx context.Context, _, _ string, _ []byte) ([]byte, error) {
			asked <- struct{}{}
			<-ctx.Done()
			return nil, fmt.Errorf("do it: %w", ctx.Err())
		})
	}()
	answer := make(chan error, 1)
	go func() {
		_, err := b.Ask(t.Context(), "r", "m", nil)
		answer <- err
	}()
	receive(t, "a question", asked)
	leave()
	_ = receive(t, "its end", left)
	owner(t, ns, func(context.Context, string, string, []byte) ([]byte, error) { return nil, nil })
	if err := receive(t, "an answer", answer); err != nil {
		t.Errorf("the new owner's answer: %v", err)
	}
}

// A request that is repeated, as its first answer was late or lost, is done once.
func TestAskedTwiceIsDoneOnce(t *testing.T) {
	t.Parallel()
	ns := newNamespace()
	b := sharedBus(t, ns)
	var done atomic.Int32
	goOn := make(chan struct{})
	owner(t, ns, func(context.Context, string, string, []byte) ([]byte, error) {
		<-goOn
		return fmt.Appendf(nil, "%d", done.Add(1)), nil
	})
	until(t, "the owner", func() bool {
		m := nats.NewMsg(b.askSubject(0))
		m.Header.Set(headerAsk, "same")
		m.Header.Set(headerRun, token("r"))
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		_, err := b.nc.RequestMsgWithContext(ctx, m)
		return errors.Is(err, context.DeadlineExceeded) // it works on it
	})
	close(goOn)
	for range 3 {
		m := nats.NewMsg(b.askSubject(0))
		m.Header.Set(headerAsk, "same")
		m.Header.Set(headerRun, token("r"))
		reply, err := b.nc.RequestMsgWithContext(t.Context(), m)
		if err != nil || string(reply.Data) != "1" {
			t.Fatalf("the answer is %v, %v; want the first one again", reply, err)
		}
	}
}

func TestAskNobody(t *testing.T) {
	t.Parallel()
	begin := time.Now()
	_, err := sharedBus(t, newNamespace()).Ask(t.Context(), "r", "m", nil)
	if took := time.Since(begin); !errors.Is(err, ErrNoOwner) || took < askFor || took > askFor+5*time.Second {
		t.Errorf("after %v: %v; want ErrNoOwner after %v", took, err, askFor)
	}
}
