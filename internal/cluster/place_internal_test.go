package cluster

import (
	"testing"

	"github.com/graflow/graflow-wasm/engine"
)

// TestPlaceBeforeLine has a reader leave between the start that was added before a line
// of the log and the line: whoever goes on from there is told the line.
func TestPlaceBeforeLine(t *testing.T) {
	t.Parallel()
	at := place{event: 2, part: 1}.past(&told{notice: engine.Notice{Seq: 0}, at: place{event: 2, part: 1, line: 7}, log: true, added: true})
	line := told{at: place{event: 2, part: 1, line: 7}, log: true}
	if !at.isBefore(&line) {
		t.Fatalf("who is at %s is not told line 7", at)
	}
	if at = at.past(&line); at.isBefore(&line) || at.String() != "2-1-7" {
		t.Errorf("who is at %s is told line 7 twice", at)
	}
}
