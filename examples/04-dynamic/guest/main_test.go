package main

import (
	"encoding/json"
	"math"
	"reflect"
	"testing"

	"github.com/graflow/graflow-wasm/sdk"
	"github.com/graflow/graflow-wasm/sdk/abi"
)

// TestAgentLoop follows the gotos as an engine would.
func TestAgentLoop(t *testing.T) {
	t.Parallel()
	l := sdk.NewLocal(sdk.LocalConfig{})
	for cycle := 1; cycle <= 3; cycle++ {
		l.SetMeta(abi.Meta{Cycle: cycle, CanIterate: true})
		answer, err := agent.Call(l, nil)
		if err != nil {
			t.Fatal(err)
		}
		next := l.Effects().Next
		if cycle == 3 {
			want := Answer{Notes: []string{"finding 1", "finding 2"}, Complete: true}
			if !reflect.DeepEqual(answer, want) || next != nil {
				t.Errorf("got %+v and next %v, want %+v and none", answer, next, want)
			}
			return
		}
		if want := []abi.NextTask{{ID: "tool", Goto: true}}; !reflect.DeepEqual(next, want) {
			t.Fatalf("cycle %d: got %v, want %v", cycle, next, want)
		}
		if _, err := tool.Call(l, nil); err != nil {
			t.Fatal(err)
		}
		if want := []abi.NextTask{{ID: "agent", Goto: true}}; !reflect.DeepEqual(l.Effects().Next, want) {
			t.Fatalf("cycle %d: got %v, want %v", cycle, l.Effects().Next, want)
		}
	}
}

func TestAgentStopsWithoutCycles(t *testing.T) {
	t.Parallel()
	l := sdk.NewLocal(sdk.LocalConfig{Meta: abi.Meta{Cycle: 9}})
	if got, err := agent.Call(l, nil); err != nil || got.Complete || l.Effects().Next != nil {
		t.Errorf("got %+v, %v, next %v, want an incomplete answer", got, err, l.Effects().Next)
	}
}

func TestRefine(t *testing.T) {
	t.Parallel()
	for _, n := range []float64{2, 1, 0.25, 1e9} {
		l := sdk.NewLocal(sdk.LocalConfig{})
		guess := Guess{N: n}
		for cycle := 1; ; cycle++ {
			l.SetMeta(abi.Meta{Cycle: cycle, CanIterate: cycle < 50})
			got, err := refine.Call(l, guess)
			if err != nil {
				t.Fatal(err)
			}
			if !l.Effects().Iterates {
				if want := math.Sqrt(n); math.Abs(got.Root-want) > 1e-9*want || got.Cycles != cycle {
					t.Errorf("got %+v, want root %v in %d cycles", got, want, cycle)
				}
				break
			}
			if err := json.Unmarshal(l.Effects().Iteration, &guess); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := refine.Call(nil, Guess{N: -1}); err == nil {
		t.Error("root of -1: got no error")
	}
}

func TestCache(t *testing.T) {
	t.Parallel()
	l := sdk.NewLocal(sdk.LocalConfig{})
	got, err := cache.Call(l, Lookup{Cached: true, Value: "v"})
	if message := l.Effects().Terminated; err != nil || got != "v" || message == nil || *message != "cache hit" {
		t.Errorf("hit: got %v, %v, %v", got, err, message)
	}
	if _, err := cache.Call(l, Lookup{}); err != nil || l.Effects().Terminated != nil {
		t.Errorf("miss: got %v, terminated %v", err, l.Effects().Terminated)
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`{"n":0}`:   "",
		`{"n":-1}`:  "bad data: n is -1, want 0 or more",
		`{"n":"x"}`: "bad data: n is x, want a number",
		`{}`:        "bad data: n is missing, want a number",
	} {
		l := sdk.NewLocal(sdk.LocalConfig{})
		if _, err := validate.CallJSON(l, json.RawMessage(in)); err != nil {
			t.Fatal(err)
		}
		got := ""
		if message := l.Effects().Canceled; message != nil {
			got = *message
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", in, got, want)
		}
	}
}
