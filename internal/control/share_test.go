package control_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/engine/enginetest"
	"github.com/graflow/graflow-wasm/handlers/direct"
	"github.com/graflow/graflow-wasm/internal/control"
)

// cluster is engines on a shared backend, and who asks one of them.
type cluster struct {
	*testing.T
	*control.Steerer

	shared *enginetest.Shared
	asked  *control.Share
	forgot string
	mended atomic.Bool // frail succeeds
}

// newCluster has the process that is asked play a part.
func newCluster(t *testing.T, part engine.Part) *cluster {
	t.Helper()
	c := &cluster{T: t, shared: enginetest.NewShared()}
	e := c.join(part)
	c.asked = control.NewShare(control.ShareConfig{
		Engine: e,
		Revive: func(ctx context.Context, run string) error {
			_, err := e.History(ctx, run)
			return err
		},
		Forget: func(_ context.Context, run string) error { c.forgot = run; return nil },
	})
	c.Steerer = control.NewSteerer(c.asked.Do)
	return c
}

func (c *cluster) join(part engine.Part) *engine.Engine {
	c.Helper()
	h := direct.New()
	direct.Func(h, "gate", func(c *direct.Context, _ any) (any, error) {
		var answer string
		err := c.Pause(engine.Pause{Name: "ok", Schema: json.RawMessage(`{}`)}, &answer)
		return answer, err
	})
	direct.Func(h, "frail", func(_ *direct.Context, in any) (any, error) {
		if !c.mended.Load() {
			return nil, errors.New("not mended")
		}
		return in, nil
	})
	e, err := engine.New(engine.Config{
		Handlers: map[string]engine.Handler{"direct": h}, Backend: c.shared.Backend(), Part: part,
		CheckSchema: func(_, answer json.RawMessage) error {
			if answer[0] != '"' {
				return errors.New("want a string")
			}
			return nil
		},
	})
	check(c.T, "engine", err)
	c.Cleanup(func() { _ = e.Close() })
	check(c.T, "join", e.Join())
	return e
}

// begin submits gate >> frail from a process that does nothing else.
func (c *cluster) begin(run string) *engine.Running {
	c.Helper()
	task := func(id string) engine.Task {
		return engine.Task{ID: id, Spec: json.RawMessage(`{"func":"` + id + `"}`)}
	}
	g, err := engine.NewGraph("two", engine.Seq(task("gate"), task("frail")))
	check(c.T, "graph", err)
	o, err := c.join(engine.PartNone).Start(c.Context(), g, engine.Start{ID: run})
	check(c.T, "start", err)
	return o
}

func (c *cluster) wait(o *engine.Running, status engine.Status) {
	c.Helper()
	out, err := o.Wait(c.Context())
	check(c.T, "wait", err)
	if out.Status != status {
		c.Fatalf("got %s, want %s", out.Status, status)
	}
}

// refuses wants an error with a status, as it came from elsewhere.
func (c *cluster) refuses(deed string, err error, status int) {
	c.Helper()
	if got, ok := errors.AsType[*control.Error](err); !ok || got.Status != status {
		c.Errorf("%s: got %v, want an error of status %d", deed, err, status)
	}
}

// TestShareSteers does all that can be done to a run, from a process that does not
// drive it.
func TestShareSteers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, ctx := newCluster(t, engine.PartBoth), t.Context()
		o := c.begin("r")
		c.wait(o, engine.StatusPaused)
		c.refuses("a wrong answer", c.Answer(ctx, "r", "ok", json.RawMessage(`7`)), http.StatusUnprocessableEntity)
		c.refuses("an answer to nothing", c.Answer(ctx, "r", "other", json.RawMessage(`"a"`)), http.StatusNotFound)
		c.refuses("resume what goes on", c.Resume(ctx, "r"), http.StatusConflict)
		c.refuses("retry what goes on", c.Retry(ctx, "r", engine.RetryFrom{}), http.StatusConflict)
		c.refuses("remove what goes on", c.Delete(ctx, "r", false), http.StatusConflict)
		check(t, "hold", c.Hold(ctx, "r", "lunch"))
		check(t, "answer", c.Answer(ctx, "r", "ok", json.RawMessage(`"yes"`)))
		synctest.Wait()
		if out := o.Outcome(); out.Status != engine.StatusPaused || out.Reason != engine.ReasonHeld {
			t.Errorf("got %s (%s), want that nothing begins", out.Status, out.Reason)
		}
		check(t, "resume", c.Resume(ctx, "r"))
		<-o.Done()
		c.wait(o, engine.StatusFailed)
		c.refuses("cancel what has ended", c.Cancel(ctx, "r", ""), http.StatusConflict)
		c.refuses("hold what has ended", c.Hold(ctx, "r", ""), http.StatusConflict)
		c.refuses("answer what has ended", c.Answer(ctx, "r", "ok", nil), http.StatusConflict)

		c.mended.Store(true)
		check(t, "retry", c.Retry(ctx, "r", engine.RetryFrom{}))
		again, err := c.join(engine.PartNone).Follow(ctx, "r")
		check(t, "follow", err)
		<-again.Done()
		c.wait(again, engine.StatusSucceeded)
		c.refuses("retry what succeeded", c.Retry(ctx, "r", engine.RetryFrom{}), http.StatusConflict)
		check(t, "remove", c.Delete(ctx, "r", false))
		if c.forgot != "r" {
			t.Errorf("forgot %q, want r", c.forgot)
		}
	})
}

// TestShareCancels cancels a run, and another because it is to be removed.
func TestShareCancels(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, ctx := newCluster(t, engine.PartBoth), t.Context()
		o := c.begin("r")
		check(t, "cancel at once", c.Cancel(ctx, "r", "enough")) // it waits until it is driven
		<-o.Done()
		if out := o.Outcome(); out.Status != engine.StatusCanceled || out.Message != "enough" {
			t.Errorf("got %s: %s, want it canceled", out.Status, out.Message)
		}
		o = c.begin("other")
		check(t, "remove", c.Delete(ctx, "other", true))
		<-o.Done()
		c.wait(o, engine.StatusCanceled)
		if c.forgot != "other" {
			t.Errorf("forgot %q, want other", c.forgot)
		}
	})
}

// TestShareElsewhere wants runs that are not there, or not driven here, told apart.
func TestShareElsewhere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, ctx := newCluster(t, engine.PartWorker), t.Context()
		c.begin("r")
		began := time.Now()
		if err := c.Cancel(ctx, "r", ""); !errors.Is(err, engine.ErrElsewhere) {
			t.Errorf("got %v, want that another is to be asked", err)
		}
		if waited := time.Since(began); waited < time.Second || waited > 10*time.Second {
			t.Errorf("waited %s for the run to come here", waited)
		}
		for deed, err := range map[string]error{
			"cancel": c.Cancel(ctx, "absent", ""), "hold": c.Hold(ctx, "absent", ""), "resume": c.Resume(ctx, "absent"),
			"answer": c.Answer(ctx, "absent", "", nil), "retry": c.Retry(ctx, "absent", engine.RetryFrom{}),
			"delete": c.Delete(ctx, "absent", true),
		} {
			c.refuses(deed+" what is not there", err, http.StatusNotFound)
		}
		_, err := c.asked.Do(ctx, "r", "dance", []byte(`{}`))
		c.refuses("what nobody knows", err, http.StatusNotImplemented)
		_, err = c.asked.Do(ctx, "r", "cancel", []byte(`{`))
		c.refuses("what is no request", err, http.StatusBadRequest)
	})
}
