package natsbus

import (
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/natsbus/embedded"
)

// startAlone is a bus on a server of its own.
func startAlone(t *testing.T) *Bus {
	t.Helper()
	s, err := embedded.Start(t.Context(), embedded.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Shutdown)
	b, err := Open(t.Context(), Config{Connect: s.Connect})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	if err := b.Setup(t.Context()); err != nil {
		t.Fatal(err)
	}
	return b
}

// storeNotices has notices stored of subjects.
func storeNotices(t *testing.T, b *Bus, subjects string) {
	t.Helper()
	c := noticesStream(b.cfg)
	c.Subjects = []string{subjects}
	if _, err := b.js.UpdateStream(t.Context(), c); err != nil {
		t.Fatal(err)
	}
}

// aWhile is how long a test looks whether something happens that is not to.
const aWhile = 100 * time.Millisecond

// A notice that servers have passed on, and store only after the end of the run could be
// read, is told to who follows.
func TestNoticesStoredLate(t *testing.T) {
	t.Parallel()
	b := startAlone(t)
	c := newCluster(b, nil)
	got, over, ended := make(chan string, 10), make(chan struct{}), make(chan error, 1)
	go func() {
		for n, err := range b.NoticesUntil(t.Context(), "r", 0, over) {
			if err != nil {
				ended <- err
				return
			}
			got <- n.Message
		}
		ended <- nil
	}()
	say := func(text string) { c.Tell(engine.Notice{Type: engine.NoticeTaskLog, Run: "r", Message: text}) }
	say("first")
	receive(t, "what is stored at once", got) // it listens
	storeNotices(t, b, "gf.log.none")
	say("last")
	if err := b.nc.Flush(); err != nil {
		t.Fatal(err)
	}
	close(over)
	select {
	case err := <-ended:
		t.Fatalf("it ended before the last was stored, with %v", err)
	case <-time.After(aWhile):
	}
	storeNotices(t, b, "gf.log.>")
	say("last") // the same bytes
	if text := receive(t, "what is stored late", got); text != "last" {
		t.Errorf("got %q", text)
	}
	if err := receive(t, "the end", ended); err != nil || len(got) > 0 {
		t.Errorf("it ended with %v, and %d more", err, len(got))
	}
}

// What is told again, what is told while it is read, and what was there before anybody
// listened keeps nobody waiting at the end.
func TestNoticesEnd(t *testing.T) {
	t.Parallel()
	b := sharedBus(t, newNamespace())
	c := newCluster(b, nil)
	const n = heardAtMost + 100
	for range n {
		c.Tell(engine.Notice{Type: engine.NoticeTaskLog, Run: "r", Message: "again"})
	}
	over, told := make(chan struct{}), 0
	for _, err := range b.NoticesUntil(t.Context(), "r", 0, over) {
		if err != nil {
			t.Fatal(err)
		}
		switch told++; told {
		case n / 2:
			for i := range n {
				c.Tell(engine.Notice{Type: engine.NoticeTaskLog, Run: "r", Attempt: i})
			}
		case 2*n - 1:
			close(over)
		}
	}
	if told != 2*n {
		t.Errorf("got %d, want %d", told, 2*n)
	}
}

// What an attempt commits goes behind what it has told, also where that waits for a
// connection.
func TestCommitAfterNotices(t *testing.T) {
	t.Parallel()
	b := sharedBus(t, newNamespace())
	j := newJournal(b, nil)
	c := newCluster(b, j)
	c.teller.mu.Lock()
	c.teller.waiting = []engine.Notice{{Type: engine.NoticeTaskLog, Run: "r"}}
	c.teller.sent = make(chan struct{})
	c.teller.mu.Unlock()
	appended := make(chan error, 1)
	go func() {
		_, err := j.Append(t.Context(), "r", "", 0, &engine.Event{Type: engine.EventStarted})
		appended <- err
	}()
	select {
	case err := <-appended:
		t.Fatalf("an event overtakes a notice, with %v", err)
	case <-time.After(aWhile):
	}
	c.teller.send()
	if err := receive(t, "the event", appended); err != nil {
		t.Error(err)
	}
}
