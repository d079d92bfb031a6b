package control_test

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/control"
)

// serve answers for a process in a directory, and returns who asks there.
func serve(t *testing.T, p *process, dir string) *control.Client {
	t.Helper()
	l, err := control.Listen(dir)
	check(t, "listen", err)
	server := control.Serve(l, p.Desk)
	c, err := control.Dial(t.Context(), dir)
	check(t, "dial", err)
	t.Cleanup(func() {
		c.Close()
		server.Close()
	})
	return c
}

// TestClient wants everything to be the same through a socket as without one.
func TestClient(t *testing.T) {
	t.Parallel()
	s := newStore()
	p := s.start(t)
	c := serve(t, p, t.TempDir())
	ctx := t.Context()
	p.begin(t, "r")
	outcome, err := c.Follow(ctx, "r", func(engine.Notice) {})
	check(t, "follow", err)
	if outcome.Status != engine.StatusPaused || len(outcome.Pauses) != 1 {
		t.Errorf("got %+v, want it paused", outcome)
	}

	same := func(deed string, there, here any, thereErr, hereErr error) {
		t.Helper()
		a, _ := json.Marshal(there) // both or none
		b, _ := json.Marshal(here)
		if string(a) != string(b) {
			t.Errorf("%s: got %s, want %s", deed, a, b)
		}
		switch {
		case hereErr == nil && thereErr == nil:
		case hereErr == nil || thereErr == nil || hereErr.Error() != thereErr.Error() || control.Status(hereErr) != control.Status(thereErr):
			t.Errorf("%s: got %v, status %d; want %v, status %d", deed, thereErr, control.Status(thereErr), hereErr, control.Status(hereErr))
		}
	}
	list, err := c.List(ctx)
	wantList, wantErr := p.List(ctx)
	same("list", list, wantList, err, wantErr)
	for _, run := range []string{"r", "absent", "../r", ""} {
		story, err := c.Show(ctx, run)
		wantStory, wantErr := p.Show(ctx, run)
		same("show "+run, story, wantStory, err, wantErr)
		events, err := c.Events(ctx, run)
		wantEvents, wantErr := p.Events(ctx, run)
		same("events "+run, events, wantEvents, err, wantErr)
	}
	doc, err := c.Export(ctx, "r", "#1")
	wantDoc, wantErr := p.Export(ctx, "r", "#1")
	same("export", doc, wantDoc, err, wantErr)

	_, wantErr = p.Answer(ctx, "r", "ok", json.RawMessage(`false`))
	same("a wrong answer", nil, nil, c.Answer(ctx, "r", "ok", json.RawMessage(`false`)), wantErr)
	_, wantErr = p.Resume(ctx, "r")
	same("resume", nil, nil, c.Resume(ctx, "r"), wantErr)
	_, wantErr = p.Retry(ctx, "r", engine.RetryFrom{})
	same("retry", nil, nil, c.Retry(ctx, "r", engine.RetryFrom{}), wantErr)
	_, wantErr = p.Restore(ctx, []byte(`{`), "")
	_, err = c.Restore(ctx, []byte(`{`), "")
	same("restore", nil, nil, err, wantErr)
	_, wantErr = p.Fork(ctx, "r", "absent", "")
	_, err = c.Fork(ctx, "r", "absent", "")
	same("fork", nil, nil, err, wantErr)
	same("delete", nil, nil, c.Delete(ctx, "r", false), p.Delete(ctx, "r", false))

	check(t, "hold", c.Hold(ctx, "r", "lunch"))
	if story, err := c.Show(ctx, "r"); err != nil || !story.Held {
		t.Errorf("got %+v, %v; want it held", story, err)
	}
	check(t, "release", c.Resume(ctx, "r"))
	check(t, "answer", c.Answer(ctx, "r", "ok", json.RawMessage(`true`)))
	<-p.begun
	if _, err := c.Restore(ctx, doc, "restored"); err != nil {
		t.Errorf("restore: %v", err)
	}
	if id, err := c.Fork(ctx, "r", "#1", "forked"); err != nil || id != "forked" {
		t.Errorf("fork: got %q, %v; want forked", id, err)
	}
	check(t, "cancel", c.Cancel(ctx, "r", "enough"))
	outcome, err = c.Follow(ctx, "r", func(engine.Notice) {})
	if err != nil || outcome.Status != engine.StatusCanceled || outcome.Message != "enough" {
		t.Errorf("got %+v, %v; want it canceled", outcome, err)
	}
	_, wantErr = p.Resume(ctx, "r")
	same("resume what has ended", nil, nil, c.Resume(ctx, "r"), wantErr)
	check(t, "delete", c.Delete(ctx, "r", false))
}

// TestClientHasTheMethodsOfADesk pairs them, but for those of the process itself.
func TestClientHasTheMethodsOfADesk(t *testing.T) {
	t.Parallel()
	own := map[string]bool{"Keep": true, "Running": true, "Settle": true, "GoingOn": true, "History": true}
	client := reflect.TypeFor[*control.Client]()
	desk := reflect.TypeFor[*control.Desk]()
	for i := range desk.NumMethod() {
		name := desk.Method(i).Name
		if _, ok := client.MethodByName(name); !ok && !own[name] {
			t.Errorf("Client has no %s", name)
		}
	}
}

func TestServerRefusesWhatItCannotRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	serve(t, newStore().start(t), dir)
	var d net.Dialer
	dial := func() (net.Conn, error) {
		return d.DialContext(t.Context(), "unix", filepath.Join(dir, "control.sock"))
	}
	for _, path := range []string{"/list", "/follow"} {
		conn, err := dial()
		check(t, "dial", err)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://control"+path, strings.NewReader("{"))
		check(t, "request", err)
		resp, err := (&http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return conn, nil }, DisableKeepAlives: true}).RoundTrip(r)
		check(t, "ask", err)
		resp.Body.Close()
		if resp.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: got %s, want it refused", path, resp.Status)
		}
	}
}

func TestSocket(t *testing.T) {
	t.Parallel()
	long := filepath.Join(t.TempDir(), strings.Repeat("long", 30))
	for name, dir := range map[string]string{"short": t.TempDir(), "long": long} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(t, "make the directory", os.MkdirAll(dir, 0o755))
			socket := filepath.Join(dir, "control.sock")
			if _, err := control.Dial(t.Context(), dir); !errors.Is(err, control.ErrGone) {
				t.Fatalf("got %v, want that nobody is there", err)
			}
			// One that a process left behind when it was killed.
			left, err := control.Listen(dir)
			check(t, "listen", err)
			target, _ := os.Readlink(socket)
			c := serve(t, newStore().start(t), dir)
			_, err = c.List(t.Context())
			check(t, "list", err)
			left.Close()
			if name == "short" {
				return // what closes a listener removes the name: that of another it must not be
			}
			if _, err := os.Stat(target); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("%s was left behind: %v", target, err)
			}
		})
	}
}

func TestSocketIsPrivate(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("no modes there")
	}
	dir := t.TempDir()
	check(t, "chmod", os.Chmod(dir, 0o755))
	l, err := control.Listen(dir)
	check(t, "listen", err)
	info, err := os.Stat(filepath.Join(dir, "control.sock"))
	check(t, "stat", err)
	if got := info.Mode(); got.Perm() != 0o600 || got.Type() != os.ModeSocket {
		t.Errorf("got %v, want a socket for its owner", got)
	}
	entries, err := os.ReadDir(dir)
	check(t, "read", err)
	if len(entries) != 1 {
		t.Errorf("got %v, want nothing but the socket", entries)
	}
	check(t, "close", l.Close())
	if entries, err = os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("got %v, %v; want nothing left", entries, err)
	}
}

// TestGone wants who follows to be told that the process has ended.
func TestGone(t *testing.T) {
	t.Parallel()
	p := newStore().start(t)
	dir := t.TempDir()
	l, err := control.Listen(dir)
	check(t, "listen", err)
	server := control.Serve(l, p.Desk)
	c, err := control.Dial(t.Context(), dir)
	check(t, "dial", err)
	p.begin(t, "r")
	p.settle(t)
	_, err = p.Answer(t.Context(), "r", "ok", nil)
	check(t, "answer", err)
	<-p.begun
	told := make(chan error)
	seen := make(chan struct{}, 100)
	go func() {
		_, err := c.Follow(t.Context(), "r", func(engine.Notice) { seen <- struct{}{} })
		told <- err
	}()
	<-seen
	server.Close()
	if err := <-told; !errors.Is(err, control.ErrGone) || errors.Is(err, control.ErrUnanswered) {
		t.Errorf("got %v, want that nobody is there any more", err)
	}
	if _, err := c.List(t.Context()); !errors.Is(err, control.ErrGone) || !errors.Is(err, control.ErrUnanswered) {
		t.Errorf("got %v, want that nobody has answered", err)
	}
	c.Close()
}

// TestSilent wants a process that listens and does nothing else, as one that is
// stopped, to be told from one that is gone.
func TestSilent(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l, err := control.Listen(dir)
	check(t, "listen", err)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := control.Dial(ctx, dir); !errors.Is(err, control.ErrSilent) {
		t.Errorf("got %v, want that it does not answer", err)
	}
	check(t, "close", l.Close())
}
