package quarantine_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/internal/quarantine"
)

const (
	bad   = "sha256:bad0000000000000000000000000000000000000000000000000000000000000"
	worse = "sha256:bad1000000000000000000000000000000000000000000000000000000000000"
)

func open(t *testing.T, file string) *quarantine.Store {
	t.Helper()
	s, err := quarantine.Open(quarantine.Config{File: file, Kills: 3, Worker: "w1"})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func die(t *testing.T, s *quarantine.Store, digest string) quarantine.Entry {
	t.Helper()
	e, err := s.Died(digest, quarantine.KindModule, quarantine.Report{How: "signal: segmentation fault", Stderr: "it broke", Name: "evil"})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// TestStore has two processes' stores on one file: what one is told the other knows.
func TestStore(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "state", "quarantine.json")
	s, other := open(t, file), open(t, file)
	for i := range 3 {
		if why := other.Why(bad); why != "" {
			t.Fatalf("after %d deaths: %s", i, why)
		}
		die(t, s, bad)
	}
	if err := s.Note(bad, "run-1", "task-1"); err != nil {
		t.Fatal(err)
	}
	why := other.Why(bad)
	for _, want := range []string{"killed 3 cells", "segmentation fault", "module quarantine show sha256:bad000000000"} {
		if !strings.Contains(why, want) {
			t.Errorf("got %q, want %q in it", why, want)
		}
	}
	if why := s.Why(worse); why != "" {
		t.Errorf("another digest: %s", why)
	}
	e, err := open(t, file).Show("bad0") // after a restart
	if err != nil || e.Kills != 3 || !e.Refused() || e.Last().Run != "run-1" || e.Last().Task != "task-1" || e.Last().Worker != "w1" || e.Last().Stderr != "it broke" {
		t.Errorf("got %+v, %v", e, err)
	}
	if e, err := other.Lift(bad); err != nil || e.Refused() || e.Lifted.IsZero() || len(e.Reports) != 3 {
		t.Errorf("lift: got %+v, %v", e, err)
	}
	if why := s.Why(bad); why != "" {
		t.Errorf("after it was lifted: %s", why)
	}
	die(t, s, bad)
	if e := die(t, s, bad); e.Kills != 2 || e.Refused() {
		t.Errorf("deaths before the lift count: %+v", e)
	}
	if e := die(t, s, bad); !e.Refused() {
		t.Errorf("it is not quarantined again: %+v", e)
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	s := open(t, filepath.Join(t.TempDir(), "q.json"))
	die(t, s, bad)
	die(t, s, worse)
	for digest, want := range map[string]error{
		"bad": quarantine.ErrAmbiguous, "sha256:bad": quarantine.ErrAmbiguous, "bad1": nil, bad: nil,
		"c": quarantine.ErrNotFound, "": quarantine.ErrAmbiguous, "sha256:": quarantine.ErrAmbiguous,
	} {
		if _, err := s.Show(digest); !errors.Is(err, want) {
			t.Errorf("show %q: got %v, want %v", digest, err, want)
		}
		if _, err := s.Lift(digest); !errors.Is(err, want) {
			t.Errorf("lift %q: got %v, want %v", digest, err, want)
		}
	}
	alone := open(t, filepath.Join(t.TempDir(), "q.json"))
	die(t, alone, bad)
	if _, err := alone.Lift(""); !errors.Is(err, quarantine.ErrNotFound) {
		t.Errorf("no digest lifts the only one: %v", err)
	}
}

// TestBounds floods an account.
func TestBounds(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "q.json")
	s := open(t, file)
	for range 3 {
		die(t, s, bad)
	}
	all, err := s.List()
	if err != nil {
		t.Fatal(err)
	}
	for i := range 499 {
		all = append(all, quarantine.Entry{Digest: fmt.Sprintf("sha256:%04d", i), Kills: 1, Reports: []quarantine.Report{{Time: time.Unix(int64(i), 0)}}})
	}
	text, err := json.Marshal(map[string]any{"version": 1, "entries": all})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("x", 1<<20)
	for i := range 3 {
		r := quarantine.Report{How: long, Stderr: long + "the end", Name: long, Export: long, Tenant: long}
		if _, err := s.Died(fmt.Sprintf("sha256:new%d", i), quarantine.KindCode, r); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Show("0002"); !errors.Is(err, quarantine.ErrNotFound) {
		t.Errorf("what died longest ago is still there: %v", err)
	}
	all, err = s.List()
	if err != nil || len(all) != 500 {
		t.Fatalf("got %d entries, %v", len(all), err)
	}
	if all[0].Digest != bad {
		t.Errorf("what is quarantined was dropped for what is not: the first is %s", all[0].Digest)
	}
	last, err := s.Show("new2")
	if r := last.Last(); err != nil || len(r.How) != 256 || len(r.Stderr) != 2<<10 || !strings.HasSuffix(r.Stderr, "the end") {
		t.Errorf("got %d bytes of how, %d of stderr, %v", len(r.How), len(r.Stderr), err)
	}
	if info, err := os.Stat(file); err != nil || info.Size() > 4<<20 {
		t.Errorf("the file has %d bytes, %v", info.Size(), err)
	}
	for range 10 {
		die(t, s, worse)
	}
	if e, err := s.Show(worse); err != nil || e.Kills != 10 || len(e.Reports) != 3 {
		t.Errorf("got %d kills, %d reports, %v", e.Kills, len(e.Reports), err)
	}
}

// TestDamaged finds a file that is no account.
func TestDamaged(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "q.json")
	s := open(t, file)
	for range 3 {
		die(t, s, bad)
	}
	if s.Why(bad) == "" {
		t.Fatal("it is not quarantined")
	}
	for text, want := range map[string]string{"{": "no account", `{"version": 2}`: "version 2"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := quarantine.Open(quarantine.Config{File: file}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
		if s.Why(bad) == "" {
			t.Errorf("%s: a damaged file has freed what was quarantined", text)
		}
		if _, err := s.Died(bad, quarantine.KindModule, quarantine.Report{}); err == nil {
			t.Errorf("%s: a damaged file was written over", text)
		}
	}
}

// TestProcesses has several processes note deaths at once: none is lost.
func TestProcesses(t *testing.T) {
	t.Parallel()
	const processes = 4
	file := filepath.Join(t.TempDir(), "q.json")
	var begins []io.Closer
	var children []*exec.Cmd
	for range processes {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), "QUARANTINE_CHILD="+file)
		cmd.Stderr = t.Output()
		stdin, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		begins, children = append(begins, stdin), append(children, cmd)
	}
	for _, begin := range begins {
		_ = begin.Close() // they read its end
	}
	for _, cmd := range children {
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	}
	e, err := open(t, file).Show("shared")
	if err != nil || e.Kills != processes*deaths {
		t.Errorf("got %d deaths, %v, want %d", e.Kills, err, processes*deaths)
	}
	left, err := filepath.Glob(file + ".new*")
	if err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
	if time.Since(e.Last().Time) > time.Minute {
		t.Errorf("the last was at %s", e.Last().Time)
	}
}
