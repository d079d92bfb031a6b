package sdk_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/sdk"
	"github.com/graflow/graflow-wasm/sdk/abi"
)

var buy = sdk.Task("buy_test", "asks twice", func(c *sdk.Context, price int) (string, error) {
	if err := c.NextTask("lost"); err != nil {
		return "", err
	}
	var approved bool
	if err := c.Pause(abi.Pause{
		Name: "approve", Message: "too much?", Schema: json.RawMessage(`{"type":"boolean"}`),
		Timeout: abi.Duration(90 * time.Minute), Default: json.RawMessage("false"),
	}, &approved); err != nil || !approved {
		return "declined", err
	}
	var color string
	err := c.Pause(abi.Pause{Name: "color"}, &color)
	return color, err
})

// TestLocalPauses wants a pause without an answer to end the call there.
func TestLocalPauses(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		answers map[string]any
		paused  string // "" is not
		want    string
	}{
		{paused: "approve"},
		{answers: map[string]any{"approve": false}, want: "declined"},
		{answers: map[string]any{"approve": true}, paused: "color"},
		{answers: map[string]any{"approve": true, "color": "red"}, want: "red"},
	} {
		l := sdk.NewLocal(sdk.LocalConfig{Pauses: test.answers})
		got, err := buy.Call(l, 7)
		paused := l.Effects().Paused
		if test.paused == "" {
			if got != test.want || err != nil || paused != nil {
				t.Errorf("%v: got %q, %v, paused %v, want %q", test.answers, got, err, paused, test.want)
			}
			continue
		}
		if err == nil || paused == nil || paused.Name != test.paused {
			t.Errorf("%v: got %q, %v, paused %v, want it paused for %s", test.answers, got, err, paused, test.paused)
		}
		if e := l.Effects(); e.Failure != nil || e.Next != nil {
			t.Errorf("%v: got %+v, want no failure and nothing else asked for", test.answers, e)
		}
	}
}

func TestPauseDocument(t *testing.T) {
	t.Parallel()
	full := abi.Pause{
		Name: "a", Message: "m", Schema: json.RawMessage("true"), Timeout: abi.Duration(90 * time.Second),
		Default: json.RawMessage("null"), After: abi.Duration(time.Hour),
	}
	for want, p := range map[string]abi.Pause{
		`{"name":"a"}`: {Name: "a"},
		`{"name":"a","until":"2026-01-02T03:04:05Z"}`:                                                {Name: "a", Until: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)},
		`{"name":"a","message":"m","schema":true,"timeout":"1m30s","default":null,"after":"1h0m0s"}`: full,
	} {
		got, err := json.Marshal(p)
		if err != nil || string(got) != want {
			t.Errorf("got %s, %v, want %s", got, err, want)
		}
		var back abi.Pause
		if err := json.Unmarshal([]byte(want), &back); err != nil || !reflect.DeepEqual(back, p) {
			t.Errorf("%s: got %+v, %v, want %+v", want, back, err, p)
		}
	}
	var p abi.Pause
	if err := json.Unmarshal([]byte(`{"name":"a","timeout":"soon"}`), &p); err == nil {
		t.Errorf("got %+v, want the timeout refused", p)
	}
}

func TestPauseRefused(t *testing.T) {
	t.Parallel()
	for want, p := range map[string]abi.Pause{
		"it has no name":           {After: 1},
		"a default needs":          {Name: "a", Default: json.RawMessage("1")},
		"until and after":          {Name: "a", Until: time.Now(), After: 1},
		"a time to wait":           {Name: "a", Timeout: -1},
		"a time to wait is negati": {Name: "a", After: -1},
	} {
		l := sdk.NewLocal(sdk.LocalConfig{})
		do := sdk.Task("refused_"+want, "", func(c *sdk.Context, _ any) (any, error) { return nil, c.Pause(p, nil) })
		_, err := do.Call(l, nil)
		if f := l.Effects().Failure; err == nil || !strings.Contains(err.Error(), want) || f == nil || f.Kind != sdk.KindInvalidInput || !f.Permanent {
			t.Errorf("%+v: got %v, %+v, want %q", p, err, f, want)
		}
	}
}
