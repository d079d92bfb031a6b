package statedir_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/statedir"
)

// small makes a segment of every other event.
var small = statedir.Config{SegmentSize: 400}

func segments(t *testing.T, path, run string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(path, "runs", run, "*.journal"))
	check(t, err)
	return names
}

// attempts are those of the events of run r.
func attempts(t *testing.T, d *statedir.Dir, after uint64) []int {
	t.Helper()
	events, err := statedir.ReadAll(t.Context(), d.Backend().Journal, "r", after)
	check(t, err)
	all := []int{}
	for _, e := range events {
		all = append(all, e.Attempt)
	}
	return all
}

func upTo(from, to int) []int {
	all := []int{}
	for n := from; n <= to; n++ {
		all = append(all, n)
	}
	return all
}

func TestReopen(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	d := openDir(t, path, small)
	want := &engine.Event{
		Time: time.Now(), Type: engine.EventCompleted, Activation: "a<b>", Attempt: 1,
		Value:   json.RawMessage(`{"html":"<p>&</p>","n":1.50,"big":12345678901234567890}`),
		Effects: engine.Effects{Channel: []engine.ChannelOp{{Op: engine.OpAdd, Key: "k", Value: json.RawMessage("2")}}},
	}
	seq, err := d.Backend().Journal.Append(t.Context(), "r", "a<b>", 0, want)
	check(t, err)
	last := seq
	for n := 2; n <= 50; n++ {
		last = appendNth(t, d, "r", "b", map[bool]uint64{true: 0, false: last}[n == 2], n)
	}
	for range 3 {
		check(t, d.Close())
		d, err = statedir.Open(path, small)
		check(t, err)
		for after := range uint64(51) {
			if got := attempts(t, d, after); !slices.Equal(got, upTo(int(after)+1, 50)) {
				t.Fatalf("after %d: %v, want the rest of 1 to 50", after, got)
			}
		}
	}
	defer d.Close()
	events, err := d.Backend().Journal.Read(t.Context(), "r", 0)
	check(t, err)
	if got := events[0]; !got.Time.Equal(want.Time) || !bytes.Equal(got.Value, want.Value) || got.Seq != seq {
		t.Errorf("event 1 is %+v, want %+v", got, want)
	}
	for _, expect := range []uint64{0, last - 1, last + 1} {
		if _, err := d.Backend().Journal.Append(t.Context(), "r", "b", expect, nth("b", 0)); !errors.Is(err, engine.ErrConflict) {
			t.Errorf("append after %d: %v, want ErrConflict", expect, err)
		}
	}
	if got := appendNth(t, d, "r", "b", last, 51); got != last+1 {
		t.Errorf("the next event is %d, want %d", got, last+1)
	}
}

func TestTrim(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	d, err := statedir.Open(path, small)
	check(t, err)
	j := d.Backend().Journal
	open := appendNth(t, d, "r", "open", 0, 1)
	done, err := j.Append(t.Context(), "r", "done", 0, &engine.Event{Type: engine.EventCompleted, Activation: "done", Attempt: 2})
	check(t, err)
	for n, last := 3, uint64(0); n <= 100; n++ {
		last = appendNth(t, d, "r", "b", last, n)
	}
	before := len(segments(t, path, "r"))
	check(t, j.Trim(t.Context(), "r", 1))
	if got := len(segments(t, path, "r")); got != before {
		t.Errorf("%d files after a trim of less than one, want %d", got, before)
	}
	check(t, j.Trim(t.Context(), "r", 60))
	if got := len(segments(t, path, "r")); got > before/2 || got < before/4 {
		t.Errorf("%d files of %d after a trim of 60 events of 100", got, before)
	}
	for range 2 { // before, and opened anew
		got := attempts(t, d, 0)
		if len(got) < 40 || len(got) > 50 || !slices.Equal(got, upTo(got[0], 100)) {
			t.Errorf("after a trim of 60 there are %v", got)
		}
		if last, err := d.Backend().Journal.Last(t.Context(), "r", "open"); last != open || err != nil {
			t.Errorf("last of an open chain: %d, %v, want %d", last, err, open)
		}
		if last, err := d.Backend().Journal.Last(t.Context(), "r", "done"); last != 0 || err != nil {
			t.Errorf("last of a chain that had ended at %d: %d, %v, want 0", done, last, err)
		}
		d = reopen(t, d, path, small)
	}
	defer d.Close()
	check(t, d.Backend().Journal.Trim(t.Context(), "r", 1000))
	if got := len(segments(t, path, "r")); got != 1 {
		t.Errorf("%d files after a trim of all, want 1", got)
	}
	if got := appendNth(t, d, "r", "open", open, 101); got != 101 {
		t.Errorf("the next event is %d, want 101", got)
	}
}

// A trim that ended before it had removed all files is finished by the next
// open; a file that is missing elsewhere is damage.
func TestTrimInterrupted(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	d, err := statedir.Open(path, small)
	check(t, err)
	for n := 1; n <= 40; n++ {
		appendNth(t, d, "r", "b", uint64(n-1), n)
	}
	all := segments(t, path, "r")
	saved, err := os.ReadFile(all[1])
	check(t, err)
	check(t, d.Backend().Journal.Trim(t.Context(), "r", 20))
	check(t, os.WriteFile(all[1], saved, 0o600))
	left := segments(t, path, "r")
	d = reopen(t, d, path, small)
	if got := attempts(t, d, 0); !slices.Equal(got, upTo(got[0], 40)) || got[0] < 5 {
		t.Errorf("after an interrupted trim: %v", got)
	}
	if got := segments(t, path, "r"); len(got) != len(left)-1 {
		t.Errorf("files %q, want one less than %q", got, left)
	}
	left = segments(t, path, "r")
	check(t, os.Remove(left[0]))
	d = reopen(t, d, path, small)
	defer d.Close()
	wantCorrupt(t, d, "r", left[1])
}

// wantCorrupt expects that nothing can be done with a run, and why.
func wantCorrupt(t *testing.T, d *statedir.Dir, run, file string) {
	t.Helper()
	j := d.Backend().Journal
	_, readErr := j.Read(t.Context(), run, 0)
	_, lastErr := j.Last(t.Context(), run, "b")
	_, appendErr := j.Append(t.Context(), run, "new", 0, nth("new", 1))
	for _, err := range []error{readErr, lastErr, appendErr, j.Trim(t.Context(), run, 100)} {
		ce, ok := errors.AsType[*statedir.CorruptError](err)
		if !ok || ce.File != file {
			t.Errorf("error %v, want a CorruptError of %s", err, file)
		}
	}
}

func TestCorrupt(t *testing.T) {
	t.Parallel()
	for _, damage := range []string{"byte", "header", "cut", "gone", "other run"} {
		t.Run(damage, func(t *testing.T) {
			t.Parallel()
			path := t.TempDir()
			d, err := statedir.Open(path, small)
			check(t, err)
			for n := 1; n <= 20; n++ {
				appendNth(t, d, "r", "b", uint64(n-1), n)
			}
			appendNth(t, d, "other", "b", 0, 1)
			check(t, d.Close())
			all := segments(t, path, "r")
			file := all[2]
			data, err := os.ReadFile(file)
			check(t, err)
			switch damage {
			case "byte":
				data[len(data)-3] ^= 1
			case "header":
				data[12]++
			case "cut":
				data = data[:len(data)-3]
			case "gone":
				check(t, os.Remove(file))
				file = all[3]
				data, err = os.ReadFile(file)
				check(t, err)
			case "other run":
				data, err = os.ReadFile(segments(t, path, "other")[0])
				check(t, err)
			}
			check(t, os.WriteFile(file, data, 0o600))
			before := snapshot(t, path)
			d = openDir(t, path, small)
			wantCorrupt(t, d, "r", file)
			if after := snapshot(t, path); after != before {
				t.Errorf("a corrupt run was changed:\n%s\nbefore\n%s", after, before)
			}
			appendNth(t, d, "other", "b", 1, 2)
			check(t, d.Remove(t.Context(), "r"))
			appendNth(t, d, "r", "b", 0, 1)
		})
	}
}

// snapshot tells the sizes of all files of run r.
func snapshot(t *testing.T, path string) string {
	t.Helper()
	var s strings.Builder
	for _, name := range segments(t, path, "r") {
		info, err := os.Stat(name)
		check(t, err)
		fmt.Fprintln(&s, filepath.Base(name), info.Size())
	}
	return s.String()
}

func TestCutIsTold(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	d, err := statedir.Open(path, statedir.Config{})
	check(t, err)
	appendNth(t, d, "r", "b", 0, 1)
	appendNth(t, d, "r", "b", 1, 2)
	check(t, d.Close())
	file := segments(t, path, "r")[0]
	info, err := os.Stat(file)
	check(t, err)
	check(t, os.Truncate(file, info.Size()-5))
	var told bytes.Buffer
	d = openDir(t, path, statedir.Config{Logger: slog.New(slog.NewTextHandler(&told, nil))})
	if got := attempts(t, d, 0); !slices.Equal(got, []int{1}) {
		t.Errorf("events %v, want the first", got)
	}
	for _, want := range []string{"level=WARN", "run=r", file, "offset="} {
		if !strings.Contains(told.String(), want) {
			t.Errorf("told %q, want %s in it", told.String(), want)
		}
	}
	appendNth(t, d, "r", "b", 1, 3)
}

// TestMany appends to many runs, forgets, trims and reads at once, with few open
// at a time.
func TestMany(t *testing.T) {
	t.Parallel()
	d := openDir(t, t.TempDir(), statedir.Config{SegmentSize: 1000, OpenRuns: 3, Sync: statedir.SyncNever})
	j := d.Backend().Journal
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			run := fmt.Sprintf("run-%d", i%4)
			chain := fmt.Sprint(i)
			last := uint64(0)
			for n := 1; n <= 300; n++ {
				seq, err := j.Append(t.Context(), run, chain, last, nth(chain, n))
				if err != nil {
					t.Error(err)
					return
				}
				last = seq
				if events, err := j.Read(t.Context(), run, seq-1); err != nil || len(events) == 0 || events[0].Seq != seq {
					t.Errorf("read after %d: %d events, %v", seq-1, len(events), err)
				}
				if n%50 == 0 {
					if err := j.Trim(t.Context(), run, seq/2); err != nil {
						t.Error(err)
					}
				}
				if err := errors.Join(j.Forget(t.Context(), "gone-"+chain), touch(t, j, "gone-"+chain)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
}

func touch(t *testing.T, j engine.Journal, run string) error {
	t.Helper()
	_, err := j.Append(t.Context(), run, "a", 0, nth("a", 1))
	return err
}

// TestForgetRace: appends to a run that is being forgotten go to it before, or
// begin it anew.
func TestForgetRace(t *testing.T) {
	t.Parallel()
	for _, c := range []statedir.Config{
		{Sync: statedir.SyncNever},
		{Sync: statedir.SyncInterval, SyncInterval: 1, SegmentSize: 150},
	} {
		forgetRace(t, openDir(t, t.TempDir(), c).Backend().Journal)
	}
}

func forgetRace(t *testing.T, j engine.Journal) {
	t.Helper()
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			for n := range 200 {
				if i == 0 {
					if err := j.Forget(t.Context(), "r"); err != nil {
						t.Error(err)
					}
					continue
				}
				chain := fmt.Sprint(i, "-", n)
				if _, err := j.Append(t.Context(), "r", chain, 0, nth(chain, n)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
}
