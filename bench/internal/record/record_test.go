package record_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/bench/internal/record"
)

func TestReadsWhatItWrites(t *testing.T) {
	t.Parallel()
	here, err := record.Here(t.Context(), "go test", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	want := []record.Line{
		{Machine: &here},
		{Measured: &record.Measured{
			Part: "queue", Case: "job", Who: "ours", Round: 1, Tasks: 7, Took: time.Second,
			Min: 1, P50: 2, P99: 2, Max: 4,
		}},
		{Missing: &record.Missing{Part: "queue", Who: "theirs", Why: "not installed"}},
	}
	var file bytes.Buffer
	for _, l := range want {
		if err := (record.Writer{To: &file}).Write(l); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Count(file.String(), "\n"); got != len(want) {
		t.Errorf("got %d lines, want %d", got, len(want))
	}
	got, err := record.Read(&file)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
}

func TestNamesNoHost(t *testing.T) {
	t.Parallel()
	here, err := record.Here(t.Context(), "go test", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if here.Cores < 1 || here.Fsync <= 0 || here.Go == "" || time.Since(here.Time) > time.Hour {
		t.Errorf("got %+v, want a machine", here)
	}
	text, err := json.Marshal(here)
	if err != nil {
		t.Fatal(err)
	}
	if host, err := os.Hostname(); err == nil && len(host) > 3 && strings.Contains(string(text), host) {
		t.Errorf("got %s, want nothing of the host's name", text)
	}
}

func TestRefusesWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ line, want string }{
		"no JSON":       {`p50 4`, "line 2"},
		"nothing":       {`{}`, "neither machine nor measured nor missing"},
		"unknown field": {`{"measured":{"part":"queue","case":"job","who":"x","round":1,"tasks":1,"took":1,"p98":3}}`, `"p98"`},
		"no round":      {`{"measured":{"part":"queue","case":"job","who":"x","tasks":1,"took":1}}`, "round"},
		"no tasks":      {`{"measured":{"part":"queue","case":"job","who":"x","round":1,"took":1}}`, "x: 0 tasks in 1ns"},
		"disorder":      {`{"measured":{"part":"queue","case":"job","who":"x","round":1,"tasks":1,"took":1,"min":1,"p50":3,"p99":2,"max":3}}`, "not in order"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := record.Read(strings.NewReader("\n" + tc.line + "\n"))
			if err == nil || !strings.Contains(err.Error(), "line 2") || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want line 2 and %s", err, tc.want)
			}
		})
	}
}

func TestReadsDirectories(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := record.ReadDir(dir); err == nil || !strings.Contains(err.Error(), "make bench-peers") {
		t.Errorf("got %v, want it to say what to do", err)
	}
	line := `{"missing":{"part":"queue","who":"x","why":"y"}}`
	for _, name := range []string{"b.txt", "a.txt", "notes.md"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(line), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := record.ReadDir(dir); err != nil || len(got) != 2 {
		t.Errorf("got %d lines, %v, want those of both .txt files", len(got), err)
	}
	if err := os.WriteFile(filepath.Join(dir, "a.txt"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := record.ReadDir(dir); err == nil || !strings.Contains(err.Error(), "a.txt: line 1") {
		t.Errorf("got %v, want the file and the line", err)
	}
}
