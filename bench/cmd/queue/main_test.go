package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/bench/internal/queue"
)

func TestChoosesSystems(t *testing.T) {
	t.Parallel()
	peers, err := choose("River,jetstream")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for _, p := range peers {
		got[p.Name]++
	}
	if len(got) != 2 || got["River"] == 0 || got["JetStream"] == 0 {
		t.Errorf("got %v, want River and JetStream", got)
	}
	if all, err := choose(""); err != nil || len(all) != len(queue.Peers()) {
		t.Errorf("got %d, %v, want all", len(all), err)
	}
}

func TestRefusesUnknownSystems(t *testing.T) {
	t.Parallel()
	var out, log bytes.Buffer
	err := run(t.Context(), []string{"-only", "river,nonsense"}, &out, &log)
	if err == nil || !strings.Contains(err.Error(), `no system "nonsense"`) || out.Len() > 0 {
		t.Errorf("got %v and %q, want it to name the system", err, out.String())
	}
}
