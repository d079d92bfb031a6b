package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const records = `{"machine":{"time":"2030-01-02T03:04:05Z","command":"go test","cpu":"A CPU","cores":2,"memory":0,"kernel":"6.1","go":"go1","system":"linux/amd64","load":0}}
{"measured":{"part":"sandbox","case":"sum","who":"ours","round":1,"workers":1,"tasks":9,"took":9000,"min":1000,"p50":2000,"p99":3000,"max":4000}}
`

// written is a page with records beside it, and the arguments to make it.
func written(t *testing.T, page string) (dir string, args []string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "peers"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"PAGE.md": page, "peers/sandbox.txt": records} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir, []string{"-page", filepath.Join(dir, "PAGE.md"), "-results", filepath.Join(dir, "peers")}
}

func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestWritesBetweenTheLines(t *testing.T) {
	t.Parallel()
	dir, args := written(t, "before\n"+begin+"stale figures\n"+end+"after\n")
	if err := run(args); err != nil {
		t.Fatal(err)
	}
	first := read(t, filepath.Join(dir, "PAGE.md"))
	for _, want := range []string{"before\n" + begin, end + "after\n", "A CPU", "(peers/sandbox-time.svg)", "(peers/README.md)"} {
		if !strings.Contains(first, want) {
			t.Errorf("got %s\nwant %q in it", first, want)
		}
	}
	if strings.Contains(first, "stale figures") {
		t.Error("got what was there before")
	}
	if svg := read(t, filepath.Join(dir, "peers", "sandbox-time.svg")); !strings.HasPrefix(svg, "<svg") {
		t.Errorf("got %.20q, want a plot", svg)
	}
	if !strings.Contains(read(t, filepath.Join(dir, "peers", "README.md")), "1 µs to 4 µs") {
		t.Error("got details without the shortest and the longest")
	}
	if err := run(args); err != nil {
		t.Fatal(err)
	}
	if again := read(t, filepath.Join(dir, "PAGE.md")); again != first {
		t.Errorf("a second time: got %s, want the same", again)
	}
}

// TestDefaults is where make runs it: the page is above the directory of the records.
func TestDefaults(t *testing.T) { //nolint:paralleltest // it changes the working directory
	dir, _ := written(t, begin+end)
	if err := os.MkdirAll(filepath.Join(dir, "bench", "results"), 0o700); err != nil {
		t.Fatal(err)
	}
	for from, to := range map[string]string{"PAGE.md": "BENCHMARKS.md", "peers": "bench/results/peers"} {
		if err := os.Rename(filepath.Join(dir, from), filepath.Join(dir, to)); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(filepath.Join(dir, "bench"))
	if err := run(nil); err != nil {
		t.Fatal(err)
	}
	if page, want := read(t, filepath.Join(dir, "BENCHMARKS.md")), "(bench/results/peers/sandbox-time.svg)"; !strings.Contains(page, want) {
		t.Errorf("got %s, want %s in it", page, want)
	}
}

func TestChecks(t *testing.T) {
	t.Parallel()
	dir, args := written(t, begin+end)
	check := append(args, "-check")
	if err := run(check); !errors.Is(err, errDiffers) {
		t.Errorf("nothing made: got %v, want %v", err, errDiffers)
	}
	if page := read(t, filepath.Join(dir, "PAGE.md")); page != begin+end {
		t.Errorf("got %s, want it as it was", page)
	}
	if err := run(args); err != nil {
		t.Fatal(err)
	}
	if err := run(check); err != nil {
		t.Errorf("got %v, want nil", err)
	}
	more := strings.Replace(records, `"p50":2000`, `"p50":2500`, 1)
	if err := os.WriteFile(filepath.Join(dir, "peers", "sandbox.txt"), []byte(more), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run(check); !errors.Is(err, errDiffers) {
		t.Errorf("other records: got %v, want %v", err, errDiffers)
	}
}

func TestWantsItsLines(t *testing.T) {
	t.Parallel()
	for _, page := range []string{"", begin, end + begin} {
		_, args := written(t, page)
		if err := run(args); err == nil || !strings.Contains(err.Error(), "to write between") {
			t.Errorf("%q: got %v, want it to say what is missing", page, err)
		}
	}
}
