package term_test

import (
	"os"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/internal/term"
	"github.com/graflow/graflow-wasm/internal/term/termtest"
)

func take(t *testing.T, p *termtest.Terminal) *term.Screen {
	t.Helper()
	s, err := term.Take(p.Line, p.Line)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Restore() })
	return s
}

func restore(t *testing.T, s *term.Screen) {
	t.Helper()
	if err := s.Restore(); err != nil {
		t.Error(err)
	}
}

func draw(t *testing.T, s *term.Screen, lines ...string) {
	t.Helper()
	if err := s.Draw(lines); err != nil {
		t.Fatal(err)
	}
}

// asBefore wants the terminal to be as nobody had taken it.
func asBefore(t *testing.T, p *termtest.Terminal) {
	t.Helper()
	p.WaitFor("the first screen with its cursor", func(s *termtest.Screen) bool { return !s.Alternate && !s.Hidden && !s.NoWrap })
	p.See(func(s *termtest.Screen) {
		if len(s.Faults) > 0 {
			t.Errorf("the terminal was sent %q", s.Faults)
		}
	})
}

func TestScreen(t *testing.T) {
	t.Parallel()
	p := termtest.Open(t, 40, 6)
	before := p.Mode()
	if _, err := p.Line.WriteString("$ top\n"); err != nil {
		t.Fatal(err)
	}
	s := take(t, p)
	if p.Mode() == before {
		t.Error("keys do not come as they are pressed")
	}
	draw(t, s, "first line", "second line")
	p.WaitText("first line\nsecond line")
	draw(t, s, "another")
	if text := p.WaitText("another"); text != "another" {
		t.Errorf("what was drawn before is left:\n%s", text)
	}
	if w, h := s.Size(); w != 40 || h != 6 {
		t.Errorf("size %dx%d, want 40x6", w, h)
	}
	p.Resize(60, 10)
	if w, h := s.Size(); w != 60 || h != 10 {
		t.Errorf("size %dx%d after a change, want 60x10", w, h)
	}
	p.Send("q\x1b[B\x03")
	for _, want := range []term.Key{"q", term.KeyDown, term.KeyCtrlC} {
		if got := <-s.Keys(); got != want {
			t.Errorf("got the key %q, want %q", got, want)
		}
	}
	restore(t, s)
	restore(t, s)
	asBefore(t, p)
	if p.Mode() != before {
		t.Error("keys do not come as before")
	}
	if _, open := <-s.Keys(); open {
		t.Error("a key came after the end")
	}
	p.WaitText("$ top")
	draw(t, s, "after the end") // which nobody sees
	p.See(func(s *termtest.Screen) {
		if strings.Contains(s.Text(), "after") {
			t.Error("it is drawn on a terminal that was given back")
		}
	})
}

func TestScreenSuspend(t *testing.T) {
	t.Parallel()
	p := termtest.Open(t, 40, 6)
	before := p.Mode()
	s := take(t, p)
	draw(t, s, "drawn")
	p.WaitText("drawn")
	err := s.Suspend(func() {
		asBefore(t, p)
		if p.Mode() != before {
			t.Error("keys do not come as before while it is suspended")
		}
		draw(t, s, "meanwhile") // which nobody sees
	})
	if err != nil {
		t.Fatal(err)
	}
	draw(t, s, "drawn")
	if text := p.WaitText("drawn"); text != "drawn" {
		t.Errorf("the terminal shows\n%s", text)
	}
	restore(t, s)
	asBefore(t, p)
}

func TestScreenPanic(t *testing.T) {
	t.Parallel()
	p := termtest.Open(t, 40, 6)
	before := p.Mode()
	func() {
		defer func() { _ = recover() }()
		s, err := term.Take(p.Line, p.Line)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Restore() //nolint:errcheck // it panics
		panic("while drawing")
	}()
	asBefore(t, p)
	if p.Mode() != before {
		t.Error("keys do not come as before")
	}
}

func TestTakeRefuses(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	if s, err := term.Take(r, w); err == nil {
		_ = s.Restore()
		t.Error("it took a pipe")
	}
	p := termtest.Open(t, 40, 6)
	if s, err := term.Take(r, p.Line); err == nil {
		_ = s.Restore()
		t.Error("it took a terminal whose keys are a pipe's")
	}
}
