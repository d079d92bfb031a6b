package guest_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/internal/guest"
	"github.com/graflow/graflow-wasm/sdk/abi"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// newControl is the control of the task caller of the handler here, which may spawn
// tasks of the handler there.
func newControl(t *testing.T, complete func(*engine.NextTask) error) *guest.Control {
	t.Helper()
	spawn, err := guest.NewImageSpawn([]string{"there:*"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	call := &engine.Call{
		Run: "r", Activation: "caller#1", Attempt: 2, MaxAttempts: 3, Cycle: 4, MaxCycles: 4,
		Task: &engine.Task{
			ID: "caller", Handler: "here", Limits: json.RawMessage(`{"l":1}`),
			Grants: json.RawMessage(`{"g":1}`), Secrets: []string{"a"},
		},
		View:    engine.NewView(map[string]json.RawMessage{"k": json.RawMessage(`1`)}, map[string]json.RawMessage{"done": json.RawMessage(`2`)}),
		Sink:    &lines{},
		Answers: map[string]json.RawMessage{"asked": json.RawMessage(`"yes"`), "empty": nil},
	}
	return &guest.Control{Call: call, Effects: engine.NewBuffer(call), Spawn: spawn, Secrets: grant(t, false), Complete: complete}
}

// TestNextTaskOfTheHandler wants it to have what the caller has, and completed.
func TestNextTaskOfTheHandler(t *testing.T) {
	t.Parallel()
	c := newControl(t, func(next *engine.NextTask) error {
		next.Task.Spec = json.RawMessage(`"completed ` + string(next.Task.Limits[2:3]) + `"`)
		return nil
	})
	for _, n := range []abi.NextTask{{ID: "a", Spec: json.RawMessage(`1`)}, {ID: "b", Handler: "here", Goto: true, Input: json.RawMessage(`3`)}} {
		if err := c.NextTask(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	for i, next := range c.Effects.Effects().Next {
		task := next.Task
		if task.Handler != "here" || string(task.Spec) != `"completed l"` || string(task.Grants) != `{"g":1}` || len(task.Secrets) != 1 || next.Goto != (i == 1) || string(next.Input) != []string{"", "3"}[i] {
			t.Errorf("got %+v", next)
		}
	}
	refuses := errors.New("no")
	c = newControl(t, func(*engine.NextTask) error { return refuses })
	if err := c.NextTask(t.Context(), abi.NextTask{ID: "a", Handler: "here"}); !errors.Is(err, refuses) || len(c.Effects.Effects().Next) > 0 {
		t.Errorf("got %v, %+v, want it refused", err, c.Effects.Effects().Next)
	}
}

// TestNextTaskElsewhere wants it granted, and to have nothing of the caller's.
func TestNextTaskElsewhere(t *testing.T) {
	t.Parallel()
	c := newControl(t, func(*engine.NextTask) error { return errors.New("not asked") })
	for _, n := range []abi.NextTask{{ID: "a", Handler: "there", Spec: json.RawMessage(`1`)}, {ID: "existing"}} {
		if err := c.NextTask(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	for _, next := range c.Effects.Effects().Next {
		if next.Task.Limits != nil || next.Task.Grants != nil || next.Task.Secrets != nil {
			t.Errorf("got %+v, want nothing of the caller's", next.Task)
		}
	}
	err := c.NextTask(t.Context(), abi.NextTask{ID: "b", Handler: "elsewhere"})
	var te *engine.TaskError
	if want := `next task "b": handler "elsewhere" is not granted: list "elsewhere:*" in grants.spawn of task "caller", now "there:*"`; !errors.As(err, &te) || te.Kind != engine.KindDenied || !te.Permanent || te.Message != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestControlRedacts(t *testing.T) {
	t.Parallel()
	c := newControl(t, nil)
	err := errors.Join(c.Terminate(t.Context(), "t hunter2"), c.Cancel(t.Context(), "c hunter2"), c.NextIteration(t.Context(), json.RawMessage(`5`)), c.Checkpoint(t.Context(), "cp", json.RawMessage(`6`)))
	_, paused := c.Pause(t.Context(), abi.Pause{Name: "new", Message: "m hunter2", Schema: json.RawMessage(`null`), Timeout: abi.Duration(time.Second)})
	e := c.Effects.Effects()
	if err != nil || *e.Terminate != "t ***" || *e.Cancel != "c ***" || string(e.Iterate.Data) != "5" || e.Checkpoints[0].Name != "cp" {
		t.Errorf("got %+v, %v", e, err)
	}
	if !errors.Is(paused, wasmhost.ErrPaused) || e.Pause.Message != "m ***" || e.Pause.Schema != nil || time.Duration(e.Pause.Timeout) != time.Second {
		t.Errorf("got %+v, %v", e.Pause, paused)
	}
}

func TestPauseAnswers(t *testing.T) {
	t.Parallel()
	c := newControl(t, nil)
	for name, want := range map[string]string{"asked": `"yes"`, "empty": "null"} {
		if got, err := c.Pause(t.Context(), abi.Pause{Name: name}); err != nil || string(got) != want {
			t.Errorf("%s: got %s, %v, want %s", name, got, err, want)
		}
	}
	for i := range 998 {
		c.Call.Answers[strconv.Itoa(i)] = nil
	}
	_, err := c.Pause(t.Context(), abi.Pause{Name: "one too many"})
	var te *engine.TaskError
	if !errors.As(err, &te) || !te.Permanent || !strings.Contains(te.Message, "paused 1000 times") {
		t.Errorf("got %v, want an end of pauses", err)
	}
}

func TestServices(t *testing.T) {
	t.Parallel()
	c := newControl(t, nil)
	services, ctx := guest.Services(c), t.Context()
	want := abi.Meta{Run: "r", Task: "caller", Activation: "caller#1", Attempt: 2, MaxAttempts: 3, Cycle: 4, MaxCycles: 4}
	if *services.Meta != want || services.Secrets != nil || services.Tools != nil {
		t.Errorf("got %+v of %+v, want %+v", services.Meta, services, want)
	}
	if got, err := services.Results.Result(ctx, "done"); err != nil || string(got) != "2" {
		t.Errorf("got %s, %v", got, err)
	}
	_, resultErr := services.Results.Result(ctx, "absent")
	_, keyErr := services.Channel.Get(ctx, "absent")
	if !errors.Is(resultErr, abi.NotFound) || !errors.Is(keyErr, abi.NotFound) {
		t.Errorf("got %v and %v, want both not found", resultErr, keyErr)
	}
	services.Log(slog.LevelInfo, "it is hunter2")
	if got := *c.Call.Sink.(*lines); len(got) != 1 || got[0] != "it is ***" {
		t.Errorf("got %q", got)
	}
}

func TestServicesChannel(t *testing.T) {
	t.Parallel()
	channel, ctx := guest.Services(newControl(t, nil)).Channel, t.Context()
	if err := channel.Apply(ctx, wasmhost.ChannelOp{Kind: "add", Key: "k", Value: json.RawMessage(`2`)}); err != nil {
		t.Fatal(err)
	}
	if got, err := channel.Get(ctx, "k"); err != nil || string(got) != "3" {
		t.Errorf("got %s, %v, want its own write", got, err)
	}
	if got, err := channel.Keys(ctx, ""); err != nil || fmt.Sprint(got) != "[k]" {
		t.Errorf("got %s, %v", got, err)
	}
	if err := channel.Apply(ctx, wasmhost.ChannelOp{Kind: "append", Key: "k", Value: json.RawMessage(`2`)}); !errors.Is(err, abi.Invalid) {
		t.Errorf("got %v, want a code for the guest", err)
	}
	var code abi.Code
	if err := channel.Apply(ctx, wasmhost.ChannelOp{Kind: "set", Key: "t.__result__", Value: json.RawMessage(`2`)}); !errors.Is(err, engine.ErrReservedKey) || errors.As(err, &code) {
		t.Errorf("got %v, want the end of the attempt", err)
	}
}
