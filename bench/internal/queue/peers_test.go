package queue_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/bench/internal/queue"
)

// TestPeers runs each peer whose server is installed, briefly: its numbers mean
// nothing, but that nothing is lost does.
func TestPeers(t *testing.T) { //nolint:paralleltest // they take turns on the machine
	scale := queue.Tiny
	scale.Rounds = 1
	for _, p := range queue.Peers() { //nolint:paralleltest // likewise
		t.Run(p.Name+" "+p.Settings+" "+p.Config, func(t *testing.T) {
			var out, log bytes.Buffer
			b := &queue.Bench{Scale: scale, Peers: []queue.Peer{p}, Out: &out, Log: &log}
			if err := b.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(out.String(), "SKIPPED") {
				t.Skip(out.String())
			}
			for _, want := range []string{"| " + p.Name, p.Config, p.Loses.Power} {
				if !strings.Contains(out.String(), want) {
					t.Errorf("got\n%s\nwant it to say %q", &out, want)
				}
			}
		})
	}
}
