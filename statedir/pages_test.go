package statedir

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/engine"
)

func appendEvents(t *testing.T, d *Dir, n int, value json.RawMessage) {
	t.Helper()
	j := d.Backend().Journal
	last, err := j.Last(t.Context(), "r", "a")
	for range n {
		if err == nil {
			last, err = j.Append(t.Context(), "r", "a", last, &engine.Event{Type: engine.EventFailed, Activation: "a", Value: value})
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

// logOf is what is in memory of run r's journal.
func logOf(t *testing.T, d *Dir) *runLog {
	t.Helper()
	var l *runLog
	if err := d.runs.use("r", func(r *openRun) (bool, error) { l = r.log; return false, nil }); err != nil {
		t.Fatal(err)
	}
	return l
}

// TestPages: what is read of files comes in parts of a bounded size, whole events
// from whichever on.
func TestPages(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		events, bytes int // and of an event's value
		pages         int // that they are read in; 0: as many as there may be
	}{
		{events: 10_000, bytes: 1, pages: 3},
		{events: 30, bytes: 1 << 20, pages: 8},
		{events: 3, bytes: 6 << 20, pages: 3},
	} {
		path := t.TempDir()
		conf := Config{Sync: SyncNever, SegmentSize: 300_000}
		d := mustOpen(t, path, conf, osFiles{})
		appendEvents(t, d, c.events, json.RawMessage(`"`+strings.Repeat("x", c.bytes)+`"`))
		for range 2 { // before, with the newest in memory, and opened anew
			pages := 0
			for after := uint64(0); after < uint64(c.events); pages++ {
				part, err := d.Backend().Journal.Read(t.Context(), "r", after)
				if err != nil || len(part) == 0 || part[0].Seq != after+1 {
					t.Fatalf("after %d there are %d events, %v", after, len(part), err)
				}
				if len(part) > pageEvents || (len(part)-1)*c.bytes > 2*tailBytes {
					t.Errorf("a part has %d events of %d bytes", len(part), c.bytes)
				}
				after += uint64(len(part))
				if last := part[len(part)-1]; last.Seq != after || len(last.Value) != c.bytes+2 {
					t.Fatalf("event %d is %d, of %d bytes", after, last.Seq, len(last.Value))
				}
			}
			if d.Close(); pages > c.pages+2 {
				t.Errorf("%d events of %d bytes came in %d parts, want %d", c.events, c.bytes, pages, c.pages)
			}
			d = mustOpen(t, path, conf, osFiles{})
		}
		d.Close()
	}
}

// TestMarks: from a mark to an event is never far, so that it costs nothing where
// in the journal that is.
func TestMarks(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	conf := Config{Sync: SyncNever, SegmentSize: 300_000}
	d := mustOpen(t, path, conf, osFiles{})
	const events = 20_000
	appendEvents(t, d, events, nil)
	for _, when := range []string{"written", "read"} {
		l := logOf(t, d)
		if when == "read" {
			if _, err := d.Backend().Journal.Last(t.Context(), "r", "a"); err != nil {
				t.Fatal(err)
			}
		}
		for seq := uint64(1); seq <= events; seq += 7 {
			m := l.marks.before(seq)
			passed, size := uint64(0), 0
			err := eachFrom("r", l.segments, m, seq, func(r record) (bool, error) {
				passed, size = passed+1, size+recordHeader+len(r.payload)
				return true, nil
			})
			if err != nil || m.seq+passed != seq+1 || size > markEvery+200 {
				t.Fatalf("%s: event %d is read from %d on, %d bytes, %v", when, seq, m.seq, size, err)
			}
		}
		if n := len(l.marks); n > 3*len(l.segments)+20*events*100/markEvery {
			t.Errorf("%s: %d marks in %d segments", when, n, len(l.segments))
		}
		d.Close()
		d = mustOpen(t, path, conf, osFiles{})
	}
	if err := d.Backend().Journal.Trim(t.Context(), "r", events/2); err != nil {
		t.Fatal(err)
	}
	l := logOf(t, d)
	if l.marks[0].seq != l.segments[0].first {
		t.Errorf("after a trim the first mark is %d, the first event %d", l.marks[0].seq, l.segments[0].first)
	}
	part, err := d.Backend().Journal.Read(t.Context(), "r", 0)
	if err != nil || part[0].Seq != l.segments[0].first {
		t.Errorf("after a trim: %d events, %v", len(part), err)
	}
	d.Close()
}

// TestPageDamage: what was there when the run was opened, and is not any more, is
// damage, and tells where.
func TestPageDamage(t *testing.T) {
	t.Parallel()
	for _, damage := range []string{"byte", "length", "cut", "other"} {
		path := t.TempDir()
		d := mustOpen(t, path, Config{Sync: SyncNever}, osFiles{})
		appendEvents(t, d, 5000, nil)
		d.Close()
		d = mustOpen(t, path, Config{}, osFiles{})
		if _, err := d.Backend().Journal.Last(t.Context(), "r", "a"); err != nil {
			t.Fatal(err)
		}
		name := logOf(t, d).segments[0].name
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		at := headerSize("r")
		for range 4500 {
			_, n := parseRecord(data[at:])
			at += n
		}
		switch damage {
		case "byte":
			data[at+recordHeader+5] ^= 1
		case "length":
			data[at+7] = 0x20 // half a GiB
		case "cut":
			data = data[:at+10]
		case "other":
			copy(data[at:], data[headerSize("r"):headerSize("r")+200])
		}
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if part, err := d.Backend().Journal.Read(t.Context(), "r", 0); err != nil || len(part) != pageEvents {
			t.Errorf("%s: what is before the damage: %d events, %v", damage, len(part), err)
		}
		_, err = d.Backend().Journal.Read(t.Context(), "r", pageEvents)
		if ce, ok := errors.AsType[*CorruptError](err); !ok || ce.File != name || ce.Offset != int64(at) {
			t.Errorf("%s: %v, want a CorruptError at %d", damage, err, at)
		}
		d.Close()
	}
}

// TestEndedChains: a chain that has ended is known by its whole name, wherever its
// last event is by now.
func TestEndedChains(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	conf := Config{Sync: SyncNever, SegmentSize: 100_000}
	d := mustOpen(t, path, conf, osFiles{})
	const chains = 5000
	seqs := map[string]uint64{}
	for n := range chains {
		chain := fmt.Sprint("task-", n)
		seq, err := d.Backend().Journal.Append(t.Context(), "r", chain, 0, &engine.Event{Type: engine.EventCompleted, Activation: chain})
		if err != nil {
			t.Fatal(err)
		}
		seqs[chain] = seq
	}
	for range 2 {
		j, l := d.Backend().Journal, logOf(t, d)
		for n := 0; n < chains; n += 97 {
			chain := fmt.Sprint("task-", n)
			if last, err := j.Last(t.Context(), "r", chain); err != nil || last != seqs[chain] {
				t.Fatalf("last of %s: %d, %v, want %d", chain, last, err, seqs[chain])
			}
			if _, err := j.Append(t.Context(), "r", chain, 0, failed(2)); !errors.Is(err, engine.ErrConflict) {
				t.Fatalf("a late append to %s: %v, want ErrConflict", chain, err)
			}
		}
		if open, ended := len(l.chains.open), l.chains.ended.n; open > 5 || open+ended != chains {
			t.Errorf("%d chains are kept by name and %d by hash, want (nearly) all %d by hash", open, ended, chains)
		}
		d.Close()
		d = mustOpen(t, path, conf, osFiles{})
	}
	defer d.Close()
	j, l := d.Backend().Journal, logOf(t, d)
	// Two names with one hash: as if task-0 had that of another.
	if _, err := j.Last(t.Context(), "r", "other"); err != nil {
		t.Fatal(err)
	}
	l.chains.ended.add(l.chains.hash("other"), seqs["task-0"])
	if last, err := j.Last(t.Context(), "r", "other"); last != 0 || err != nil {
		t.Errorf("last of a chain with another's hash: %d, %v, want 0", last, err)
	}
	seq, err := j.Append(t.Context(), "r", "other", 0, &engine.Event{Type: engine.EventCompleted, Activation: "other"})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if last, err := j.Last(t.Context(), "r", "other"); last != seq || err != nil {
			t.Errorf("last of it once it has ended: %d, %v, want %d", last, err, seq)
		}
		if seq, err = j.Append(t.Context(), "r", "other", seq, &engine.Event{Type: engine.EventCompleted, Activation: "other"}); err != nil {
			t.Error(err) // it may go on
		}
	}
}
