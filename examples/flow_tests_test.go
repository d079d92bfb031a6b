package examples_test

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
)

// TestFlowTests runs the cases of all examples, as their authors would.
func TestFlowTests(t *testing.T) {
	t.Parallel()
	needRuntimes(t)
	flows, err := filepath.Glob("*/*.flow.yaml")
	if err != nil || len(flows) == 0 {
		t.Fatalf("found %d flows, %v", len(flows), err)
	}
	out, errs, code := execute(t, append([]string{"test", "--cache-dir", cache, "--cover", "-o", "json"}, flows...)...)
	if code != 0 {
		text, _, _ := execute(t, append([]string{"test", "--cache-dir", cache}, flows...)...)
		t.Fatalf("got exit code %d\n%s%s", code, text, errs)
	}
	var report struct {
		Passed bool
		Files  []struct {
			File  string
			Cases []json.RawMessage
			Cover struct {
				MissedTasks []string `json:"missed_tasks"`
				MissedEdges []string `json:"missed_edges"`
			}
		}
	}
	if err := json.Unmarshal([]byte(out), &report); err != nil || !report.Passed || len(report.Files) != len(flows) {
		t.Fatalf("got %v, %d files of %d: %s", err, len(report.Files), len(flows), out)
	}
	for _, f := range report.Files {
		if missed := append(f.Cover.MissedTasks, f.Cover.MissedEdges...); len(missed) > 0 {
			t.Errorf("%s: no case executes %s", f.File, strings.Join(missed, ", "))
		}
	}
}
