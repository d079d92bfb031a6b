package main

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"github.com/graflow/graflow-wasm/sdk"
)

// triangle has a package without imports, e.
const triangle = "a b c\nb c\nc a\nd a e\ne\n"

// TestRank ranks a graph in one partition, where a known answer is at hand.
func TestRank(t *testing.T) {
	t.Parallel()
	g, err := parse(triangle, 1)
	if err != nil {
		t.Fatal(err)
	}
	l := sdk.NewLocal(sdk.LocalConfig{Results: map[string]any{"split": g}})
	var state State
	for range 500 {
		if state, err = rank.Call(l, state); err != nil {
			t.Fatal(err)
		}
		if !l.Effects().Iterates {
			break
		}
		if err := json.Unmarshal(l.Effects().Iteration, &state); err != nil {
			t.Fatal(err)
		}
	}
	if l.Effects().Iterates || len(l.Channel()) > 0 {
		t.Errorf("iterates %v, leaves %v: want an end, and nothing", l.Effects().Iterates, l.Channel())
	}
	sum := 0.0
	for i, node := range g.Parts[0] {
		sum += state.Ranks[i]
		// A rank is what it says it is made of.
		want := (1 - damping + damping*state.Ranks[4]) / 5
		for j, other := range g.Parts[0] {
			for _, to := range other.Imports {
				if to == node.ID {
					want += damping * state.Ranks[j] / float64(len(other.Imports))
				}
			}
		}
		if got := state.Ranks[i]; math.Abs(got-want) > 2*epsilon {
			t.Errorf("%s: got %v, want %v", g.Packages[node.ID], got, want)
		}
	}
	if math.Abs(sum-1) > 1e-12 {
		t.Errorf("the ranks sum up to %v, want 1", sum)
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	g, err := parse("a b c\nb c\n\nc\n", 2)
	if err != nil {
		t.Fatal(err)
	}
	got, _ := json.Marshal(g) // numbers and names
	if want := `{"packages":["a","b","c"],"parts":[[{"id":0,"imports":[1,2]},{"id":2,"imports":[]}],[{"id":1,"imports":[2]}]]}`; string(got) != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for text, want := range map[string]string{
		"a b":   "package a imports b, which is not there",
		"a\na":  "package a is there twice",
		" \n":   "it is empty",
		"parts": "0 parts, want 1 or more",
	} {
		parts := 1
		if text == "parts" {
			parts = 0
		}
		if _, err := parse(text, parts); err == nil || err.Error() != want {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}

// TestData reads the graph that comes with the example.
func TestData(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../data/imports.txt")
	if err != nil {
		t.Fatal(err)
	}
	g, err := parse(string(text), 4)
	if err != nil || len(g.Packages) < 100 {
		t.Errorf("got %d packages, %v", len(g.Packages), err)
	}
}

func TestReport(t *testing.T) {
	t.Parallel()
	g, err := parse(triangle, 2)
	if err != nil {
		t.Fatal(err)
	}
	l := sdk.NewLocal(sdk.LocalConfig{Results: map[string]any{"split": g}})
	ranking, err := collect.Call(l, map[string]State{
		"p0": {Part: 0, Supersteps: 7, Ranks: []float64{.1, .3, .2}}, "p1": {Part: 1, Supersteps: 7, Ranks: []float64{.25, .15}},
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := report.Call(nil, ranking)
	want := "5 packages, 7 supersteps\n 1. 0.3000 c\n 2. 0.2500 b\n 3. 0.2000 e\n 4. 0.1500 d\n 5. 0.1000 a\n"
	if err != nil || got != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}
