package term_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/internal/term"
)

func runsTable() *term.Table {
	t := term.NewTable(
		term.Column{Title: "RUN", Min: 8}, term.Column{Title: "FLOW", Rank: 2}, term.Column{Title: "STATUS", Min: 9},
		term.Column{Title: "STEPS", Right: true, Rank: 4}, term.Column{Title: "BEGAN", Rank: 3, Min: 19}, term.Column{Title: "TOOK", Rank: 1},
	)
	t.Add(term.Text("01JD8Q7Z5W0000000000000000"), term.Text("deploy"), term.Marked("succeeded", "succeeded"), term.Text("12"), term.Text("2026-01-02 15:04:05"), term.Text("1.2s"))
	t.Add(term.Text("日本語の名前"), term.Text("evil\x1b[2J\n"), term.Marked("paused", "paused, waits for approve"), term.Text("3"), term.Text("2026-01-02 15:04:05"), term.Text(""))
	return t
}

func written(t *testing.T, table *term.Table, c term.Config) string {
	t.Helper()
	var b bytes.Buffer
	if err := table.WriteTo(term.New(&b, c)); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func noEnv(string) string { return "" }

func TestTablePlain(t *testing.T) {
	t.Parallel()
	got := written(t, runsTable(), term.Config{Env: noEnv})
	want := "01JD8Q7Z5W0000000000000000  deploy       succeeded                  12  2026-01-02 15:04:05  1.2s\n" +
		"日本語の名前                      evil\\x1b[2J  paused, waits for approve  3   2026-01-02 15:04:05  \n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestTableWidths(t *testing.T) {
	t.Parallel()
	for width := 1; width <= 200; width++ {
		got := written(t, runsTable(), term.Config{Env: noEnv, NoColor: true, Size: func() (int, int) { return width, 24 }})
		lines := strings.Split(strings.TrimSuffix(got, "\n"), "\n")
		if len(lines) != 3 {
			t.Fatalf("width %d: got %d lines, want titles and 2 rows:\n%s", width, len(lines), got)
		}
		for _, line := range lines {
			if w := term.Width(line); w > width && width >= 20 {
				t.Errorf("width %d: a line has %d columns: %q", width, w, line)
			}
			if strings.ContainsRune(line, '\x1b') {
				t.Errorf("width %d: an escape in %q", width, line)
			}
		}
		if width >= 20 && (!strings.Contains(lines[0], "RUN") || !strings.Contains(lines[1], "✓ succ")) {
			t.Errorf("width %d: no run or no status:\n%s", width, got)
		}
	}
	wide := written(t, runsTable(), term.Config{Env: noEnv, NoColor: true, Size: func() (int, int) { return 200, 24 }})
	if !strings.Contains(wide, "01JD8Q7Z5W0000000000000000") || !strings.Contains(wide, "‖ paused, waits for approve") || strings.Contains(wide, "…") {
		t.Errorf("something is cut where there is room:\n%s", wide)
	}
	narrow := written(t, runsTable(), term.Config{Env: noEnv, NoColor: true, Size: func() (int, int) { return 40, 24 }})
	if strings.Contains(narrow, "STEPS") || !strings.Contains(narrow, "TOOK") {
		t.Errorf("what goes first is not what has the highest rank:\n%s", narrow)
	}
}

func TestTableColor(t *testing.T) {
	t.Parallel()
	got := written(t, runsTable(), term.Config{Env: noEnv, Size: func() (int, int) { return 120, 24 }})
	if !strings.Contains(got, "\x1b[32m✓ succeeded\x1b[0m  ") || !strings.Contains(got, "\x1b[1mRUN\x1b[0m") {
		t.Errorf("no colors in\n%q", got)
	}
	forced := written(t, runsTable(), term.Config{Env: func(name string) string { return map[string]string{"CLICOLOR_FORCE": "1"}[name] }})
	if !strings.Contains(forced, "\x1b[32msucceeded\x1b[0m") || strings.Contains(forced, "RUN") || strings.Contains(forced, "✓") {
		t.Errorf("forced on no terminal, it is not the plain rows in color:\n%q", forced)
	}
	if got := written(t, term.NewTable(term.Column{Title: "RUN"}), term.Config{Size: func() (int, int) { return 80, 24 }}); got != "" {
		t.Errorf("without rows: got %q", got)
	}
}
