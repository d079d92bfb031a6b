package sdk_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/sdk"
	"github.com/graflow/graflow-wasm/sdk/abi"
)

type box struct {
	Width int    `json:"width"`
	Label string `json:"label,omitempty" doc:"shown on the box"`
}

var double = sdk.Task("double", "doubles a box", func(_ *sdk.Context, in box) (box, error) {
	in.Width *= 2
	return in, nil
})

func TestCall(t *testing.T) {
	t.Parallel()
	got, err := double.Call(nil, box{Width: 4, Label: "a"})
	if want := (box{8, "a"}); err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
}

func TestInvalidInput(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`{"width":"wide"}`: `input field "width": got string, want int`,
		`[1]`:              `input: got array, want sdk_test.box`,
		`{"width":`:        `input is not JSON, at byte 9: unexpected end of JSON input`,
	} {
		l := sdk.NewLocal(sdk.LocalConfig{})
		_, err := double.CallJSON(l, json.RawMessage(in))
		if err == nil {
			t.Errorf("%s: got no error", in)
			continue
		}
		got := *l.Effects().Failure
		if want := (sdk.Failure{Kind: sdk.KindInvalidInput, Message: want, Permanent: true}); got != want {
			t.Errorf("%s:\ngot  %+v\nwant %+v", in, got, want)
		}
	}
}

func TestNoInputIsZero(t *testing.T) {
	t.Parallel()
	for _, in := range []string{"", "null"} {
		got, err := double.CallJSON(nil, json.RawMessage(in))
		if want := `{"width":0}`; err != nil || string(got) != want {
			t.Errorf("input %q: got %s, %v, want %s", in, got, err, want)
		}
	}
}

var failWith = sdk.Task("fail_with", "fails", func(c *sdk.Context, which int) (any, error) {
	return nil, failures[which].err
})

var failures = []struct {
	err  error
	want sdk.Failure
}{
	{errors.New("plain"), sdk.Failure{Kind: "error", Message: "plain"}},
	{sdk.Fail("full", "disk %d: %w", 1, io.EOF), sdk.Failure{Kind: "full", Message: "disk 1: EOF"}},
	{sdk.Permanent(sdk.Fail("bad", "no")), sdk.Failure{Kind: "bad", Message: "no", Permanent: true}},
	{
		fmt.Errorf("ask: %w", sdk.RetryAfter(sdk.Permanent(sdk.Fail("busy", "later")), 1500*time.Microsecond)),
		sdk.Failure{Kind: "busy", Message: "ask: later", Permanent: true, RetryAfter: 2 * time.Millisecond},
	},
	{fmt.Errorf("set: %w", abi.Denied), sdk.Failure{Kind: "denied", Message: "set: denied: the grant is missing", Permanent: true}},
}

func TestFailures(t *testing.T) {
	t.Parallel()
	for i, test := range failures {
		l := sdk.NewLocal(sdk.LocalConfig{})
		_, err := failWith.Call(l, i)
		if !errors.Is(err, test.err) {
			t.Errorf("%d: got %v, want %v", i, err, test.err)
		}
		if got := *l.Effects().Failure; got != test.want {
			t.Errorf("%d:\ngot  %+v\nwant %+v", i, got, test.want)
		}
	}
	if sdk.Permanent(nil) != nil || sdk.RetryAfter(nil, time.Second) != nil {
		t.Error("got an error of nil, want nil")
	}
	if err := sdk.Permanent(sdk.Fail("k", "x: %w", io.EOF)); !errors.Is(err, io.EOF) {
		t.Errorf("got %v, want it to wrap io.EOF", err)
	}
}

var explode = sdk.Task("explode", "panics", func(*sdk.Context, any) (any, error) {
	return boom(nil), nil
})

//go:noinline
func boom(list []int) int { return list[3] }

func TestPanicFailsWithStack(t *testing.T) {
	t.Parallel()
	l := sdk.NewLocal(sdk.LocalConfig{})
	if _, err := explode.Call(l, nil); err == nil {
		t.Fatal("got no error")
	}
	got := l.Effects().Failure
	if got.Kind != sdk.KindPanic || got.Permanent {
		t.Errorf("got %+v, want kind panic, not permanent", got)
	}
	lines := strings.SplitN(got.Message, "\n", 4)
	if want := "runtime error: index out of range [3] with length 0"; lines[0] != want {
		t.Errorf("got %q, want %q", lines[0], want)
	}
	if !strings.Contains(got.Message, "sdk_test.boom") || strings.Contains(got.Message, "debug.Stack") {
		t.Errorf("got %s\nwant the stack from the panic on", got.Message)
	}
	if got, want := explode.Run(), int32(1); got != want {
		t.Errorf("Run: got %d, want %d", got, want)
	}
}

func TestOutputIsReadable(t *testing.T) {
	t.Parallel()
	got, err := double.CallJSON(nil, json.RawMessage(`{"label":"<a & b>"}`))
	if want := `{"width":0,"label":"<a & b>"}`; err != nil || string(got) != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
}

func TestUnencodableResultIsPermanent(t *testing.T) {
	t.Parallel()
	task := sdk.Task("unencodable", "", func(*sdk.Context, any) (any, error) { return func() {}, nil })
	l := sdk.NewLocal(sdk.LocalConfig{})
	if _, err := task.Call(l, nil); err == nil || !l.Effects().Failure.Permanent {
		t.Errorf("got %v, want a permanent error", err)
	}
}

func TestTaskTwicePanics(t *testing.T) {
	t.Parallel()
	defer func() {
		if got, want := recover(), `sdk: task "double" is declared twice`; got != want {
			t.Errorf("got %v, want %v", got, want)
		}
	}()
	sdk.Task("double", "", func(*sdk.Context, any) (any, error) { return nil, nil })
}
