package term_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/graflow/graflow-wasm/internal/term"
)

func TestPrintable(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ text, printable, oneLine string }{
		{"plain", "plain", "plain"},
		{"a\x1b[2Jb\x07", `a\x1b[2Jb\x07`, `a\x1b[2Jb\x07`},
		{"two\nlines\tand a tab", "two\nlines\tand a tab", "two lines and a tab"},
		{"over\rwritten", `over\x0dwritten`, `over\x0dwritten`},
		{"c1\u009b31m", `c1\x9b31m`, `c1\x9b31m`},
		{"right\u202eto left", `right\u202eto left`, `right\u202eto left`},
		{"日本 é", "日本 é", "日本 é"},
		{"bad \xff byte", "bad \uFFFD byte", "bad \uFFFD byte"},
	} {
		if got := term.Printable(test.text); got != test.printable {
			t.Errorf("Printable(%q): got %q, want %q", test.text, got, test.printable)
		}
		if got := term.OneLine(test.text); got != test.oneLine {
			t.Errorf("OneLine(%q): got %q, want %q", test.text, got, test.oneLine)
		}
	}
}

func TestCut(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		text  string
		width int
		want  string
	}{
		{"short", 5, "short"},
		{"shorter", 5, "shor…"},
		{"anything", 1, "…"},
		{"as it is", 0, "as it is"},
		{"日本語", 6, "日本語"},
		{"日本語", 5, "日本…"},
		{"日本語", 4, "日…"},
		{"e\u0301e\u0301e\u0301", 2, "e\u0301…"}, // what belongs to a letter stays with it
		{"🇩🇪🇫🇷🇯🇵", 4, "🇩🇪…"},
	} {
		if got := term.Cut(test.text, test.width); got != test.want {
			t.Errorf("Cut(%q, %d): got %q, want %q", test.text, test.width, got, test.want)
		}
	}
}

func FuzzCut(f *testing.F) {
	for _, text := range []string{"", "a", "日本語", "e\u0301\u0301\u0301", "👩‍👩‍👧‍👦 family", "\x1b[31mred", "\xff\xfe", "a\tb\nc"} {
		f.Add(text, 3)
	}
	f.Fuzz(func(t *testing.T, text string, width int) {
		if width < 1 || width > 500 {
			return
		}
		line := term.OneLine(text)
		if i := strings.IndexFunc(line, func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 }); i >= 0 || !utf8.ValidString(line) {
			t.Fatalf("OneLine(%q) = %q: not printable at %d", text, line, i)
		}
		cut := term.Cut(line, width)
		if got := term.Width(cut); got > width {
			t.Fatalf("Cut(%q, %d) = %q: %d columns", line, width, cut, got)
		}
		if !strings.HasPrefix(line, strings.TrimSuffix(cut, "…")) {
			t.Fatalf("Cut(%q, %d) = %q: not its beginning", line, width, cut)
		}
		if term.Width(line) <= width && cut != line {
			t.Fatalf("Cut(%q, %d) = %q: it had room", line, width, cut)
		}
	})
}
