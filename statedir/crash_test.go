package statedir_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/statedir"
)

// stored is what children said they had stored: by run and chain, the number of
// events; by key, the value; digests.
type stored struct {
	events   map[[2]string]int
	channel  map[string]int
	blobs    []string
	recorded int
}

func (s *stored) take(line string) error {
	f := strings.Fields(line)
	if len(f) != 4 {
		return fmt.Errorf("the child says %q", line)
	}
	n, err := strconv.Atoi(f[3])
	s.recorded++
	switch f[0] {
	case "event":
		s.events[[2]string{f[1], f[2]}] = n
	case "channel", "ttl", "list", "gone":
		s.channel[f[0]+"-"+f[2]] = n
	default:
		s.blobs, err = append(s.blobs, f[3]), nil
	}
	return err
}

// TestKill kills a process that stores, again and again, and looks whether all
// that it had reported is there, and nothing torn.
func TestKill(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"always", "interval", "never"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			most, end := 150, time.Now().Add(6*time.Second)
			if testing.Short() {
				end = time.Now().Add(time.Second)
			}
			kills, said := 0, 0
			late := end.Add(time.Minute) // a busy machine may kill before anything was stored
			for kills < most && time.Now().Before(end) || said < 15 && time.Now().Before(late) {
				dir := t.TempDir()
				s := &stored{events: map[[2]string]int{}, channel: map[string]int{}}
				for range 15 {
					kill(t, dir, mode, s)
					verify(t, dir, s)
					if kills++; t.Failed() {
						t.Fatalf("after %d kills", kills)
					}
				}
				said += s.recorded
			}
			t.Logf("%d kills, %d operations were reported", kills, said)
			if kills < 15 || said < 15 {
				t.Errorf("%d kills and %d operations are too few to tell", kills, said)
			}
		})
	}
}

// kill lets a child store for a moment.
func kill(t *testing.T, dir, mode string, s *stored) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+dir, childSyncEnv+"="+mode)
	cmd.Stderr = t.Output()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var begun sync.Once
	kill := func() {
		wait := time.Duration(rand.Int64N(int64(25 * time.Millisecond)))
		time.AfterFunc(wait, func() { _ = cmd.Process.Kill() })
	}
	if rand.IntN(4) == 0 {
		begun.Do(kill) // it may not come to store anything
	}
	for lines := bufio.NewReader(out); ; {
		line, err := lines.ReadString('\n')
		if errors.Is(err, io.EOF) {
			break // what is left of a line was not reported
		}
		begun.Do(kill)
		if err == nil {
			err = s.take(line)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() == 1 {
		t.Fatalf("the child ended by itself: %v", err)
	}
}

// verify opens the directory and compares it with what was said.
func verify(t *testing.T, dir string, s *stored) {
	t.Helper()
	c := crashConfig
	c.Logger = slog.New(slog.DiscardHandler)
	d, err := statedir.Open(dir, c)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for _, run := range []string{kept, trimmed, forgotten} {
		verifyRun(t, d, run, s)
	}
	verifyChannel(t, d.Backend().Channel, s)
	for _, digest := range s.blobs {
		r, err := d.Backend().Blobs.Open(t.Context(), kept, digest)
		if err == nil {
			_, err = io.Copy(io.Discard, r)
			r.Close()
		}
		if err != nil {
			t.Error(err)
		}
	}
}

func verifyChannel(t *testing.T, c engine.Channel, s *stored) {
	t.Helper()
	for i := range workers {
		chain := fmt.Sprintf("c%d", i)
		number := func(key string) int {
			v, err := c.Get(t.Context(), kept, key)
			if err != nil && !errors.Is(err, engine.ErrNotFound) {
				t.Error(err)
			}
			if strings.HasPrefix(key, "list-") {
				return strings.Count(string(v), "1")
			}
			n, _ := strconv.Atoi(string(v))
			return n
		}
		for key, name := range map[string]string{"channel-": "", "list-": "list-"} {
			got := number(name + chain)
			if want := s.channel[key+chain]; got != want && got != want+1 {
				t.Errorf("channel key %s%s holds %d; %d was reported", name, chain, got, want)
			}
			s.channel[key+chain] = got
		}
		// What follows an add may have been killed with it, so that these are
		// behind by any number of kills, but never by what was reported.
		adds := s.channel["channel-"+chain]
		if got := number("ttl-" + chain); got < s.channel["ttl-"+chain] || got > adds {
			t.Errorf("the key that expires of %s holds %d; %d was reported, of %d", chain, got, s.channel["ttl-"+chain], adds)
		} else if left, err := c.TTL(t.Context(), kept, "ttl-"+chain); got > 0 && (err != nil || left <= 0 || left > time.Hour) {
			t.Errorf("the key that expires of %s has %s left, %v", chain, left, err)
		}
		if got := number("gone-" + chain); got > 0 && got <= s.channel["gone-"+chain] {
			t.Errorf("the key that was deleted of %s holds %d; that it was is reported of %d", chain, got, s.channel["gone-"+chain])
		}
	}
	for key, most := range map[string]string{"x": "[1,1]", "y": "[1]"} {
		v, err := c.Get(t.Context(), emptied, key)
		if err == nil && string(v) != most && string(v) != "[1]" {
			t.Errorf("key %s of a channel that is forgotten holds %s, want at most %s", key, v, most)
		}
	}
}

func verifyRun(t *testing.T, d *statedir.Dir, run string, s *stored) {
	t.Helper()
	j := d.Backend().Journal
	events, err := statedir.ReadAll(t.Context(), j, run, 0)
	if err != nil {
		t.Fatal(err)
	}
	last := map[string]int{}
	lastSeq := map[string]uint64{}
	for i, e := range events {
		if i > 0 && e.Seq != events[i-1].Seq+1 {
			t.Errorf("%s: event %d after %d", run, e.Seq, events[i-1].Seq)
		}
		if n := last[e.Activation]; n > 0 && e.Attempt != n+1 || n == 0 && e.Attempt != 1 && run != trimmed {
			t.Errorf("%s %s: event %d after %d", run, e.Activation, e.Attempt, n)
		}
		if got, want := string(e.Value), string(fill(e.Activation, e.Attempt)); got != want {
			t.Errorf("%s %s: event %d holds %.30s, want %.30s", run, e.Activation, e.Attempt, got, want)
		}
		last[e.Activation], lastSeq[e.Activation] = e.Attempt, e.Seq
	}
	if run == forgotten {
		if len(events) > 3 {
			t.Errorf("%s has %d events, want what one round has stored", run, len(events))
		}
		return
	}
	for i := range workers {
		chain := fmt.Sprintf("c%d", i)
		if got, want := last[chain], s.events[[2]string{run, chain}]; got != want && got != want+1 {
			t.Errorf("%s %s: %d events, %d were reported", run, chain, got, want)
		}
		if got, err := j.Last(t.Context(), run, chain); err != nil || got != lastSeq[chain] {
			t.Errorf("%s %s: last is %d, %v, want %d", run, chain, got, err, lastSeq[chain])
		}
		s.events[[2]string{run, chain}] = last[chain] // from here the next child goes on
	}
}
