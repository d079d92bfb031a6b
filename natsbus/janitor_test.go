package natsbus

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/graflow/graflow-wasm/engine"
)

// leftovers tells what the streams still have of a run.
func leftovers(tb testing.TB, b *Bus, run string) string {
	tb.Helper()
	var all []string
	end := token(b.cfg.Namespace) + "." + token(run)
	for stream, filter := range map[string]string{
		streamRuns: b.runPrefix(run) + ".>", streamArchive: b.archiveSubject(run, ">"), streamBlobs: "gf.blob." + end + ".>",
		streamNotices: b.noticeSubject(run), streamIndex: b.indexPrefix() + token(run),
	} {
		if n := count(tb, b, stream, filter); n > 0 {
			all = append(all, fmt.Sprintf("%d in %s", n, stream))
		}
	}
	if last, err := b.leaderLast(tb.Context(), streamChannel, channelRoot+end+".>"); err == nil {
		all = append(all, last.subject)
	}
	return strings.Join(all, ", ")
}

// furnish gives a run something of each kind.
func furnish(tb testing.TB, b *Bus, run string) {
	tb.Helper()
	ended(tb, b, run, 1)
	for _, subject := range []string{b.noticeSubject(run), channelRoot + token(b.cfg.Namespace) + "." + token(run) + leafKey + "_k"} {
		if err := b.persist(tb.Context(), &nats.Msg{Subject: subject, Data: []byte("{}")}); err != nil {
			tb.Fatal(err)
		}
	}
}

func TestRetention(t *testing.T) {
	t.Parallel()
	b := sharedBus(t, newNamespace())
	for _, run := range []string{"archived", "live", "kept", "open"} {
		furnish(t, b, run)
	}
	mark := func(run string, at time.Time) {
		if err := b.mark(t.Context(), engine.Mark{Run: run, Ended: at}); err != nil {
			t.Fatal(err)
		}
	}
	mark("open", time.Time{})
	if err := b.archiveRuns(t.Context(), map[string]uint64{"archived": 0}, time.Now()); err != nil {
		t.Fatal(err)
	}
	before := time.Now()
	mark("kept", before.Add(time.Second)) // it ended, but not long enough ago
	if err := b.sweepIndex(t.Context(), map[int]bool{}, before.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if leftovers(t, b, "live") == "" {
		t.Fatal("a run of another's partition was forgotten")
	}
	if err := b.sweepIndex(t.Context(), allPartitions(), before); err != nil {
		t.Fatal(err)
	}
	for run, want := range map[string]bool{"archived": false, "live": false, "kept": true, "open": true} {
		if left := leftovers(t, b, run); (left != "") != want {
			t.Errorf("of run %s is left: %q", run, left)
		}
	}
}

func TestTidy(t *testing.T) {
	t.Parallel()
	b := sharedBus(t, newNamespace())
	for i := range 300 { // more than one request asks for
		ended(t, b, fmt.Sprintf("r%d", i), 1)
	}
	c := newCluster(b, nil)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- c.Tidy(ctx, Retention{ArchiveAfter: time.Millisecond, Keep: time.Hour, Every: 10 * time.Millisecond})
	}()
	ownAll(c, true)
	mine := "gf.run.*." + token(b.cfg.Namespace) + ".>"
	until(t, "the archive of all", func() bool { return count(t, b, streamRuns, mine) == 0 })
	cancel()
	if err := receive(t, "the end", done); !errors.Is(err, context.Canceled) {
		t.Errorf("it ended with %v", err)
	}
	if n := count(t, b, streamArchive, b.archiveSubject("*", "*")[:len("gf.arc."+token(b.cfg.Namespace))]+".>"); n != 300 {
		t.Errorf("%d runs are archived, want 300", n)
	}
}

func TestForget(t *testing.T) {
	t.Parallel()
	b := sharedBus(t, newNamespace())
	furnish(t, b, "r")
	furnish(t, b, "other")
	if err := b.Forget(t.Context(), "r"); err != nil {
		t.Fatal(err)
	}
	if left := leftovers(t, b, "r"); left != "" {
		t.Errorf("of the run is left: %s", left)
	}
	if leftovers(t, b, "other") == "" {
		t.Error("another run is gone")
	}
	if err := b.Forget(t.Context(), "r"); err != nil {
		t.Errorf("once more: %v", err)
	}
}
