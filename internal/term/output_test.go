package term_test

import (
	"bytes"
	"testing"

	"github.com/graflow/graflow-wasm/internal/term"
)

func TestColor(t *testing.T) {
	t.Parallel()
	terminal := func() (int, int) { return 80, 24 }
	for _, test := range []struct {
		name    string
		noColor bool
		env     map[string]string
		size    func() (int, int)
		want    bool
	}{
		{"a terminal", false, nil, terminal, true},
		{"no terminal", false, nil, nil, false},
		{"the flag", true, nil, terminal, false},
		{"NO_COLOR", false, map[string]string{"NO_COLOR": "1"}, terminal, false},
		{"NO_COLOR that is empty", false, map[string]string{"NO_COLOR": ""}, terminal, true},
		{"TERM=dumb", false, map[string]string{"TERM": "dumb"}, terminal, false},
		{"CLICOLOR=0", false, map[string]string{"CLICOLOR": "0"}, terminal, false},
		{"forced", false, map[string]string{"CLICOLOR_FORCE": "1"}, nil, true},
		{"forced, on a dumb terminal", false, map[string]string{"CLICOLOR_FORCE": "1", "TERM": "dumb"}, terminal, true},
		{"forced by 0", false, map[string]string{"CLICOLOR_FORCE": "0"}, nil, false},
		{"forced and refused", false, map[string]string{"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}, terminal, false},
		{"forced, and the flag", true, map[string]string{"CLICOLOR_FORCE": "1"}, terminal, false},
	} {
		o := term.New(&bytes.Buffer{}, term.Config{NoColor: test.noColor, Env: func(name string) string { return test.env[name] }, Size: test.size})
		if o.Color() != test.want {
			t.Errorf("%s: got color %t, want %t", test.name, o.Color(), test.want)
		}
		want := "text"
		if test.want {
			want = "\x1b[31mtext\x1b[0m"
		}
		if got := o.Paint(term.Bad, "text"); got != want {
			t.Errorf("%s: painted: got %q, want %q", test.name, got, want)
		}
	}
}

// TestStatus wants each status to be told apart without color.
func TestStatus(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, name := range []string{"", "pending", "running", "retrying", "paused", "succeeded", "failed", "canceled", "skipped", "interrupted", "unreadable"} {
		s := term.StatusOf(name)
		if term.Width(s.Mark) != 1 {
			t.Errorf("%q: its mark %q is not one column", name, s.Mark)
		}
		if other, twice := seen[s.Mark]; twice {
			t.Errorf("%q and %q have the mark %q", name, other, s.Mark)
		}
		seen[s.Mark] = name
	}
	o := term.New(&bytes.Buffer{}, term.Config{NoColor: true, Size: func() (int, int) { return 80, 24 }})
	if got, want := o.Status("failed", "failed"), "✗ failed"; got != want {
		t.Errorf("on a terminal without color: got %q, want %q", got, want)
	}
	plain := term.New(&bytes.Buffer{}, term.Config{})
	if got, want := plain.Status("failed", "failed"), "failed"; got != want {
		t.Errorf("on no terminal: got %q, want %q", got, want)
	}
}
