package cell_test

import (
	"errors"
	"io"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/wasmhost/internal/cell"
)

// do sends a deed and does not wait for its answer.
func do(t *testing.T, c *cell.Cell, deed, data string) {
	t.Helper()
	if err := c.Write(kindDo, []byte(deed), []byte(data)); err != nil {
		t.Fatal(err)
	}
}

// lost waits for a cell to end that will not answer.
func lost(t *testing.T, c *cell.Cell) cell.Death {
	t.Helper()
	for {
		_, err := c.Read()
		if err != nil {
			return c.Lost()
		}
	}
}

func TestStopped(t *testing.T) {
	t.Parallel()
	p := newPool(t, cell.Config{Heartbeat: 50 * time.Millisecond})
	c := get(t, p, "a")
	if err := syscall.Kill(c.PID(), syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	d := lost(t, c)
	if d.Signal != "SIGKILL" || d.Why != "gave no sign of life for 250ms" {
		t.Errorf("%+v", d)
	}
	if s := p.Stats(); s.Stuck != 1 || s.Died != 1 || s.Alive != 0 {
		t.Errorf("%+v", s)
	}
}

func TestStopsItself(t *testing.T) {
	t.Parallel()
	eachWay(t, cell.Config{Heartbeat: 50 * time.Millisecond}, func(t *testing.T, p *cell.Pool) { //nolint:thelper // it is a test
		c := get(t, p, "a")
		do(t, c, "stop", "")
		f, err := c.Read()
		if err == nil && f.Kind == kindDone { // the first process of a namespace can't be stopped from inside
			c.Done()
			return
		}
		if d := c.Lost(); d.Why != "gave no sign of life for 250ms" {
			t.Errorf("%+v", d)
		}
	})
}

// TestBusy: a cell that works for longer than a sign of life may be late is left
// alone.
func TestBusy(t *testing.T) {
	t.Parallel()
	p := newPool(t, cell.Config{Heartbeat: 50 * time.Millisecond})
	c := get(t, p, "a")
	do(t, c, "sleep", "")
	read := make(chan error, 1)
	go func() {
		_, err := c.Read()
		read <- err
	}()
	select {
	case err := <-read:
		t.Fatalf("%v: %s", err, c.Lost())
	case <-time.After(time.Second):
	}
	first := c.Kill("took too long")
	if err := <-read; !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("Read: %v", err)
	}
	if d := c.Lost(); d != first || d.Why != "took too long" || d.String() != "killed: took too long" {
		t.Errorf("%+v, then %+v", first, d)
	}
}

func TestHowCellsEnd(t *testing.T) {
	t.Parallel()
	p := newPool(t, cell.Config{Heartbeat: 100 * time.Millisecond, MaxFrame: 1 << 20})
	for _, test := range []struct {
		deed, data string
		how        string
		said       string
	}{
		{"exit", "", "exit code 7", ""},
		{"panic", "", "exit code 2", "panic: as wazero might"},
		{"crash", "", "exit code 2", "nil pointer dereference"},
		{"fork", "", "signal: SIGSYS", ""},
		{"noise", "", "exit code 3", "bytes …)"},
		{"deaf", "", "killed: closed its pipe for signs of life", ""},
		{"hang up", "", "killed: closed its connection", ""},
		{"junk", strings.Repeat("\xff", 16), "killed: broke the protocol: read frame: not a frame: it begins with ff ff", ""},
		{"junk", "\x00\x00\x00\x00" + "\x00\x00\x00\x01" + "\x00\x00\x00\x00\x7f\x00\x00\x00", "killed: broke the protocol: read frame: frame too large", ""},
		{"junk", "\x00\x03\x00\x00" + strings.Repeat("\x00", 12), "killed: broke the protocol: read frame: not a frame: a cell sent 3 descriptors", ""},
		{"junk", "\xf1\x00\x00\x00" + strings.Repeat("\x00", 12), "killed: broke the protocol: read frame: not a frame: kind 241 is reserved", ""},
	} {
		c := get(t, p, "a")
		do(t, c, test.deed, test.data)
		d := lost(t, c)
		if !strings.HasPrefix(d.String(), test.how) || !strings.Contains(d.Stderr, test.said) {
			t.Errorf("%s %q: %s\n%.300s", test.deed, test.data, d, d.Stderr)
		}
		if len(d.Stderr) > 17<<10 {
			t.Errorf("%s: kept %d bytes of stderr", test.deed, len(d.Stderr))
		}
	}
}

func TestKilledFromOutside(t *testing.T) {
	t.Parallel()
	p := newPool(t, cell.Config{})
	c := get(t, p, "a")
	if err := syscall.Kill(c.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if d := lost(t, c); d.String() != "signal: SIGKILL" || !d.Died() {
		t.Errorf("%+v", d)
	}
}

// TestFlood: what a cell sends and nobody reads stays with it.
func TestFlood(t *testing.T) {
	t.Parallel()
	p := newPool(t, cell.Config{})
	c := get(t, p, "a")
	do(t, c, "flood", "")
	for range 10000 {
		if f, err := c.Read(); err != nil || len(f.Data) != 1<<10 {
			t.Fatal(err, c.Lost())
		}
	}
	if d := c.Kill("enough"); d.Why != "enough" {
		t.Errorf("%+v", d)
	}
}
