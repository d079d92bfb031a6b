package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/direct"
)

// TestDecodeEvent: what this version does not know of an event is a newer one's, and
// what is no event is something else.
func TestDecodeEvent(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, says string }{
		{`{"type":"completed","value":{"unknown":1},"effects":{"channel":[{"op":"add","key":"k","value":1}]}}`, ""},
		{`{"type":"completed","format":2}`, `"format"`},
		{`{"type":"completed","effects":{"spawn":[]}}`, `"spawn"`},
		{`{"type":"completed","error":{"kind":"x","severity":3}}`, `"severity"`},
		{`{"type":"compacted"}`, `"compacted"`},
		{`{"type":"completed","effects":{"channel":[{"op":"max","key":"k","value":1}]}}`, `"max"`},
	} {
		e, err := engine.DecodeEvent([]byte(c.text))
		if c.says == "" {
			if err != nil || e.Type != engine.EventCompleted {
				t.Errorf("%s: got %+v, %v", c.text, e, err)
			}
			continue
		}
		if !errors.Is(err, engine.ErrNewer) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %v, want ErrNewer, with %s", c.text, err, c.says)
		}
		twice := strings.NewReader(`{"type":"run_started"}` + "\n" + c.text + "\n")
		seen := 0
		err = engine.DecodeEvents(twice, func(*engine.Event) error { seen++; return nil })
		if !errors.Is(err, engine.ErrNewer) || !strings.Contains(err.Error(), "event 2") || seen != 1 {
			t.Errorf("%s after another: got %v after %d events, want ErrNewer of event 2", c.text, err, seen)
		}
	}
	for _, text := range []string{``, `{`, `{"type":"completed"`, `[]`, `{"type":"completed"} x`} {
		if _, err := engine.DecodeEvent([]byte(text)); err == nil || errors.Is(err, engine.ErrNewer) {
			t.Errorf("%q: got %v, want an error that is not ErrNewer", text, err)
		}
	}
}

// TestNewerCheckpoint: a checkpoint of a newer version, or with what a newer one has
// added, is told from one that is corrupt.
func TestNewerCheckpoint(t *testing.T) {
	t.Parallel()
	h := direct.New()
	direct.Func(h, "one", func(*direct.Context, json.RawMessage) (any, error) { return 1, nil })
	e, err := engine.New(engine.Config{Handlers: map[string]engine.Handler{"direct": h}, Retain: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	g, err := (&engine.Spec{Name: "f", Tasks: []engine.Task{{ID: "a", Spec: json.RawMessage(`{"func":"one"}`)}}}).Build()
	if err != nil {
		t.Fatal(err)
	}
	out, err := e.Run(t.Context(), g, nil)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := e.Export(t.Context(), out.Run, "#2")
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range [][2]string{
		{`"version": 1`, `"version": 2`},
		{`"flow":`, `"tenant": "x", "flow":`},
		{`"type": "run_started"`, `"type": "run_begun"`},
		{`"type": "run_started"`, `"type": "run_started", "weight": 3`},
	} {
		if !strings.Contains(string(doc), change[0]) {
			t.Fatalf("the checkpoint has no %s:\n%s", change[0], doc)
		}
		changed := strings.Replace(string(doc), change[0], change[1], 1)
		_, err := e.Restore(t.Context(), []byte(changed), "other")
		if !errors.Is(err, engine.ErrVersion) || !errors.Is(err, engine.ErrNewer) || errors.Is(err, engine.ErrCorrupt) {
			t.Errorf("with %s got %v, want ErrVersion and ErrNewer", change[1], err)
		}
	}
	if _, err := e.Restore(t.Context(), doc, "same"); err != nil {
		t.Errorf("as it was: %v", err)
	}
}

// TestClusterNewerLog: an owner does not give up a run that a newer version has gone on
// with: it is neither failed nor a dead letter, and a process of that version drives it.
func TestClusterNewerLog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		client := f.join("client", engine.PartNone, nil)
		b := f.shared.Backend()
		b.Journal = newerLog{b.Journal}
		old := f.joinOn("owner", b, engine.PartOwner, 1, nil)
		f.join("worker", engine.PartWorker, nil)
		o := f.start(client, f.spec("a"), "new")
		time.Sleep(time.Minute) // virtual
		if m := f.shared.Marked("new"); !m.Ended.IsZero() {
			t.Errorf("marked as %+v, want it not to have ended", m)
		}
		if got := f.shared.Buried(); len(got) != 0 {
			t.Errorf("dead letters %+v, want none", got)
		}
		if err := old.Close(); err != nil {
			t.Error(err)
		}
		f.join("newer", engine.PartOwner, nil)
		if out := f.wait(o); out.Status != engine.StatusSucceeded {
			t.Errorf("outcome %+v, want succeeded", out)
		}
	})
}

// newerLog has an event of the run new that only a newer version can read.
type newerLog struct{ engine.Journal }

func (j newerLog) Read(ctx context.Context, run string, after uint64) ([]*engine.Event, error) {
	if run == "new" {
		_, err := engine.DecodeEvent(json.RawMessage(`{"type":"run_started","weight":3}`))
		return nil, err
	}
	return j.Journal.Read(ctx, run, after)
}
