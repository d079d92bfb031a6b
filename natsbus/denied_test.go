package natsbus

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/graflow/graflow-wasm/engine"
)

// TestDeniedAtOnce has users do what they may not: they are told soon, and by whom it
// may be done.
func TestDeniedAtOnce(t *testing.T) {
	t.Parallel()
	s, _ := roleServer(t, true)
	start := &engine.Event{Type: engine.EventStarted}
	for _, try := range []struct {
		name string
		role Role
		do   func(*Bus) error
		want string
	}{
		{"store a blob", RoleOperator, func(b *Bus) error {
			_, _, err := newBlobs(b).Put(t.Context(), "r", strings.NewReader("x"))
			return err
		}, `"gf.blob._main._r.`},
		{"start a run", RoleWorker, func(b *Bus) error {
			_, err := b.Backend().Journal.Append(t.Context(), "r", "", 0, start)
			return err
		}, "the role submitter or owner"},
		{"store a module", RoleViewer, func(b *Bus) error {
			_, err := b.PutModule(t.Context(), ModuleRecord{Name: "m"}, strings.NewReader("x"))
			return err
		}, "or owner"},
		{"list dead letters", RoleSubmitter, func(b *Bus) error {
			_, err := b.DeadLetters(t.Context(), 0, 1)
			return err
		}, "STREAM.INFO.GF_DEAD"},
		{"list queues", RoleSubmitter, func(b *Bus) error {
			_, err := b.Queues(t.Context())
			return err
		}, "CONSUMER.LIST.GF_TASKS"},
		{"set up", RoleWorker, func(b *Bus) error { return b.Setup(t.Context()) }, "GF_DEAD"},
		{"ask an owner", RoleViewer, func(b *Bus) error {
			_, err := b.Ask(t.Context(), "r", "cancel", nil)
			return err
		}, "the role submitter or operator or owner"},
		{"announce", RoleViewer, func(b *Bus) error {
			return b.Announce(t.Context(), nil, func() NodeInfo { return NodeInfo{} })
		}, "the role worker"},
		{"health", RoleWorker, func(b *Bus) error {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			_, err := b.Health(ctx)
			return err
		}, "the role operator"},
	} {
		t.Run(try.name, func(t *testing.T) {
			t.Parallel()
			b := openBus(t, roleDial(s, try.role), "main")
			begun := time.Now()
			err := try.do(b)
			if !errors.Is(err, ErrDenied) || errors.Is(err, ErrUnreachable) || !strings.Contains(err.Error(), try.want) {
				t.Errorf("the error is %v, want ErrDenied with %s", err, try.want)
			}
			if took := time.Since(begun); took > 2*time.Second {
				t.Errorf("told after %v", took)
			}
		})
	}
}

// TestDeniedElsewhere has a request fail that others do not wait for.
func TestDeniedElsewhere(t *testing.T) {
	t.Parallel()
	s, _ := roleServer(t, true)
	b := openBus(t, roleDial(s, RoleWorker), "main")
	ctx, end := b.guard(t.Context(), "gf.allowed")
	if _, err := b.request(t.Context(), &nats.Msg{Subject: "gf.other"}); !errors.Is(err, ErrDenied) {
		t.Errorf("the request: %v, want ErrDenied", err)
	}
	if ctx.Err() != nil || end(nats.ErrTimeout) != nats.ErrTimeout { //nolint:errorlint // it is to be the same
		t.Error("a request about another subject was told that it is not permitted")
	}
}
