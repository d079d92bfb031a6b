package sdk_test

import (
	"encoding/json"
	"errors"
	"log/slog"
	"reflect"
	"sync"
	"testing"

	"github.com/graflow/graflow-wasm/sdk"
	"github.com/graflow/graflow-wasm/sdk/abi"
)

var (
	anonymous   int
	anonymousMu sync.Mutex // guards anonymous
)

// do runs fn as a task on l.
func do(t *testing.T, l *sdk.Local, fn func(c *sdk.Context) error) {
	t.Helper()
	anonymousMu.Lock()
	anonymous++
	name := string(rune('a'+anonymous)) + "_test"
	anonymousMu.Unlock()
	task := sdk.Task(name, "", func(c *sdk.Context, _ any) (any, error) { return nil, fn(c) })
	if _, err := task.Call(l, nil); err != nil {
		t.Error(err)
	}
}

func TestMetaAndResults(t *testing.T) {
	t.Parallel()
	meta := abi.Meta{Run: "r1", Task: "t1", Attempt: 2, Cycle: 3, CanIterate: true}
	l := sdk.NewLocal(sdk.LocalConfig{Meta: meta, Results: map[string]any{"fetch": box{Width: 7}}})
	do(t, l, func(c *sdk.Context) error {
		got := abi.Meta{Run: c.Run(), Task: c.Task(), Attempt: c.Attempt(), Cycle: c.Cycle(), CanIterate: c.CanIterate()}
		if got != meta || c.Meta() != meta {
			t.Errorf("got %+v, want %+v", got, meta)
		}
		if got, err := sdk.ResultOf[box](c, "fetch"); err != nil || got.Width != 7 {
			t.Errorf("got %+v, %v, want width 7", got, err)
		}
		if err := c.Result("none", new(any)); !errors.Is(err, abi.NotFound) {
			t.Errorf("got %v, want not found", err)
		}
		return nil
	})
}

func TestChannel(t *testing.T) {
	t.Parallel()
	l := sdk.NewLocal(sdk.LocalConfig{Channel: map[string]any{"user/name": "ada", "gone": 1}})
	do(t, l, func(c *sdk.Context) error {
		ch := c.Channel()
		if name, found, err := sdk.Get[string](c, "user/name"); name != "ada" || !found || err != nil {
			t.Errorf("got %q, %v, %v", name, found, err)
		}
		if _, found, err := sdk.Get[int](c, "missing"); found || err != nil {
			t.Errorf("missing: got %v, %v, want false, nil", found, err)
		}
		if _, _, err := sdk.Get[int](c, "user/name"); err == nil {
			t.Error("wrong type: got no error")
		}
		if err := ch.Append("user/name", 1); !errors.Is(err, abi.Invalid) {
			t.Errorf("append to a string: got %v, want invalid", err)
		}
		err := errors.Join(
			ch.Append("list", 2), ch.Append("list", 3), ch.Prepend("list", 1),
			ch.Add("sum", 2), ch.Add("sum", -0.5),
			ch.Set("user/age", 36), ch.Delete("gone"), ch.Delete("never"),
		)
		keys, keysErr := ch.Keys("user/")
		if want := []string{"user/age", "user/name"}; !reflect.DeepEqual(keys, want) {
			t.Errorf("got %q, want %q", keys, want)
		}
		return errors.Join(err, keysErr)
	})
	got, _ := json.Marshal(l.Channel())
	if want := `{"list":[1,2,3],"sum":1.5,"user/age":36,"user/name":"ada"}`; string(got) != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestEffects(t *testing.T) {
	t.Parallel()
	l := sdk.NewLocal(sdk.LocalConfig{})
	do(t, l, func(c *sdk.Context) error {
		c.Log("plain %d", 1)
		log := c.Logger().With("k", 1)
		log.Warn("careful", "why", "two words")
		log.WithGroup("g").Debug("deep", "level", 3)
		c.Progress(1, 2, "half")
		return errors.Join(
			c.NextTask("a"), c.Goto("b"), c.Spawn(abi.NextTask{ID: "c", Handler: "wasm", Input: json.RawMessage("1")}),
			c.NextIteration(box{Width: 1}), c.Checkpoint(map[string]int{"page": 2}), c.Checkpoint(nil), c.CheckpointAs("here", 1),
			c.Terminate("enough"), c.Cancel("no"),
		)
	})
	enough, no := "enough", "no"
	want := sdk.Effects{
		Next:        []abi.NextTask{{ID: "a"}, {ID: "b", Goto: true}, {ID: "c", Handler: "wasm", Input: json.RawMessage("1")}},
		Iteration:   json.RawMessage(`{"width":1}`),
		Iterates:    true,
		Terminated:  &enough,
		Canceled:    &no,
		Checkpoints: []sdk.Checkpoint{{Meta: json.RawMessage(`{"page":2}`)}, {}, {Name: "here", Meta: json.RawMessage("1")}},
		Logs: []sdk.LogLine{
			{slog.LevelInfo, "plain 1"},
			{slog.LevelWarn, `careful k=1 why="two words"`},
			{slog.LevelDebug, "deep k=1 g.level=3"},
		},
		Progress: []sdk.Progress{{1, 2, "half"}},
	}
	if got := l.Effects(); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestPowers(t *testing.T) {
	t.Parallel()
	l := sdk.NewLocal(sdk.LocalConfig{
		Secrets: map[string]string{"KEY": "s3cret"},
		Pauses:  map[string]any{"approve": true},
		HTTP: func(req abi.HTTPRequest) (abi.HTTPResponse, error) {
			return abi.HTTPResponse{Status: 200, Body: []byte(req.Method + " " + req.URL)}, nil
		},
		Tools: map[string]func(json.RawMessage) (json.RawMessage, error){
			"echo": func(args json.RawMessage) (json.RawMessage, error) { return args, nil },
		},
	})
	do(t, l, func(c *sdk.Context) error {
		if got, err := c.Secret("KEY"); got != "s3cret" || err != nil {
			t.Errorf("secret: got %q, %v", got, err)
		}
		if _, err := c.Secret("OTHER"); !errors.Is(err, abi.NotFound) {
			t.Errorf("other secret: got %v, want not found", err)
		}
		var approved bool
		if err := c.Pause(abi.Pause{Name: "approve"}, &approved); !approved || err != nil {
			t.Errorf("pause: got %v, %v", approved, err)
		}
		resp, err := c.HTTP(abi.HTTPRequest{Method: "GET", URL: "http://example.com/"})
		if got, want := string(resp.Body), "GET http://example.com/"; got != want || err != nil {
			t.Errorf("http: got %q, %v, want %q", got, err, want)
		}
		var echoed box
		return c.Tool("echo", box{Width: 5}, &echoed)
	})
	do(t, sdk.NewLocal(sdk.LocalConfig{}), func(c *sdk.Context) error {
		if _, err := c.HTTP(abi.HTTPRequest{}); !errors.Is(err, abi.Denied) {
			t.Errorf("http without a grant: got %v, want denied", err)
		}
		return nil
	})
}
