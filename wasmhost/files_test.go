package wasmhost_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost"
)

// plan is what the task keep does.
type plan struct {
	Write map[string]string `json:",omitempty"`
	Read  []string          `json:",omitempty"`
	List  string            `json:",omitempty"`
	End   string            `json:",omitempty"`
}

func (p plan) input(tb testing.TB) string {
	tb.Helper()
	b, err := json.Marshal(p)
	if err != nil {
		tb.Fatal(err)
	}
	return string(b)
}

func memoryMount(guest string, files map[string]string) wasmhost.Mount {
	m := wasmhost.Mount{Guest: guest, Memory: true, Files: map[string][]byte{}}
	for name, text := range files {
		m.Files[name] = []byte(text)
	}
	return m
}

func withMounts(mounts ...wasmhost.Mount) wasmhost.Options {
	opt := options()
	opt.Grants.Mounts = mounts
	return opt
}

func collected(files []wasmhost.File) map[string]string {
	all := map[string]string{}
	for _, f := range files {
		all[f.Name] = string(f.Data)
	}
	return all
}

func TestFilesAreThere(t *testing.T) {
	t.Parallel()
	opt := withMounts(memoryMount("/in", map[string]string{"a.csv": "1,2", "d/e/f": "deep", "A.csv": "other", "empty": ""}), memoryMount("/out", nil))
	opt.Grants.Clock = wasmhost.ClockVirtual
	p := plan{Read: []string{"/in/a.csv", "/in/A.csv", "/in/d/e/f"}, List: "/in"}
	const at = "2026-01-01T00:00:00Z"
	want := map[string]string{
		"/in/a.csv": "1,2 3 " + at, "/in/A.csv": "other 5 " + at, "/in/d/e/f": "deep 4 " + at, "/in/empty": " 0 " + at,
	}
	for range 2 {
		r := call(t, system(t), "keep", p.input(t), opt)
		var got map[string]string
		if err := json.Unmarshal(r.Output, &got); err != nil || !maps.Equal(got, want) {
			t.Errorf("got %s (%v), want %v", r.Output, err, want)
		}
		if got, want := r.Ledger.DiskBytes, int64(4*4096+2*4096+12); got != want {
			t.Errorf("got %d bytes on disk, want %d", got, want)
		}
		if r.Files != nil {
			t.Errorf("got files %v that nobody asked for", r.Files)
		}
	}
}

// The caller's bytes stay what they are, and the next call finds them so.
func TestFilesAreNotChanged(t *testing.T) {
	t.Parallel()
	big := bytes.Repeat([]byte("0123456789"), 20_000)
	given := bytes.Clone(big)
	opt := withMounts(wasmhost.Mount{Guest: "/in", Memory: true, Files: map[string][]byte{"big": given, "log": []byte("first\n")}})
	opt.Collect = []string{"/in/**"}
	for range 2 {
		r := call(t, system(t), "keep", plan{Write: map[string]string{"/in/log": "second\n", "/in/big": "more"}}.input(t), opt)
		want := map[string]string{"/in/log": "first\nsecond\n", "/in/big": string(big) + "more"}
		if got := collected(r.Files); !maps.Equal(got, want) {
			t.Errorf("got %d files, %q", len(got), got["/in/log"])
		}
		for _, f := range r.Files {
			clear(f.Data) // it is the caller's own
		}
	}
	if !bytes.Equal(given, big) {
		t.Error("the caller's bytes have changed")
	}
}

func TestFilesThatAreRefused(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"": "want a slash-separated path", ".": "want a slash", "/etc/passwd": "want a slash", "../x": "want a slash",
		"a/../../x": "want a slash", "a//b": "want a slash", "a/": "want a slash", "a\x00b": "want a slash", "\xff": "want a slash",
		strings.Repeat("n", 256): "want names of at most 255 bytes", "f/g": "another file makes a directory of it", "f/g/h": "another file",
		"big": "there is no room in the limit of 10000 bytes",
	} {
		m := memoryMount("/in", map[string]string{"f": "x"})
		m.Files[name] = nil
		if name == "big" {
			m.Files[name] = make([]byte, 12_000)
		}
		opt := withMounts(m)
		opt.Limits.DiskBytes = 10_000
		_, err := system(t).Call(t.Context(), "keep", []byte("{}"), opt)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), fmt.Sprintf("%q", name)) {
			t.Errorf("%q: got %v, want %q", name, err, want)
		}
	}
	m := memoryMount("/in", map[string]string{"f": "x"})
	m.Memory, m.Host = false, t.TempDir()
	if _, err := system(t).Call(t.Context(), "keep", []byte("{}"), withMounts(m)); err == nil || !strings.Contains(err.Error(), "only a mount in memory") {
		t.Errorf("files over a directory of the machine: got %v", err)
	}
}

// What is mounted leaves room for so much only.
func TestFilesCountAgainstTheDisk(t *testing.T) {
	t.Parallel()
	opt := withMounts(memoryMount("/in", map[string]string{"f": strings.Repeat("x", 4000)}))
	opt.Limits.DiskBytes = 4096 + 4000 + 10
	call(t, system(t), "keep", plan{Write: map[string]string{"/in/f": "0123456789"}}.input(t), opt)
	e := trap(t, system(t), "keep", plan{Write: map[string]string{"/in/f": "0123456789a"}}.input(t), wasmhost.KindError, opt)
	if !strings.Contains(e.Message, "No space left") {
		t.Errorf("got %q", e.Message)
	}
}

func TestCollect(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "machine.txt"), []byte("the machine's"), 0o600); err != nil {
		t.Fatal(err)
	}
	opt := withMounts(
		memoryMount("/", map[string]string{"root.txt": "r", "out/hidden.txt": "under a mount", "outer.txt": "o"}),
		memoryMount("/out", nil),
		wasmhost.Mount{Guest: "/out/machine", Host: dir},
		memoryMount("/in/", map[string]string{"given.txt": "g"}),
	)
	write := map[string]string{"/out/b.txt": "B", "/out/a.txt": "A", "/out/d/e/c.txt": "C", "/out/data.bin": "\x00\x01"}
	for _, c := range []struct {
		patterns []string
		want     map[string]string
	}{
		{[]string{"/out/*.txt"}, map[string]string{"/out/a.txt": "A", "/out/b.txt": "B"}},
		{[]string{"/out/**", "/out/a.txt"}, map[string]string{"/out/a.txt": "A", "/out/b.txt": "B", "/out/d/e/c.txt": "C", "/out/data.bin": "\x00\x01"}},
		{[]string{"/out/d"}, map[string]string{}}, // a directory
		{[]string{"/**/?????.txt"}, map[string]string{"/in/given.txt": "g", "/outer.txt": "o"}},
		{[]string{"/nowhere/**", "/out/machine/**"}, map[string]string{}},
		{nil, map[string]string{}},
	} {
		opt.Collect = c.patterns
		r := call(t, system(t), "keep", plan{Write: write}.input(t), opt)
		if got := collected(r.Files); !maps.Equal(got, c.want) {
			t.Errorf("%q: got %q, want %q", c.patterns, got, c.want)
		}
		names := make([]string, len(r.Files))
		for i, f := range r.Files {
			names[i] = f.Name
		}
		if !slices.IsSorted(names) {
			t.Errorf("%q: got %q, not sorted", c.patterns, names)
		}
	}
	opt.Collect = []string{"out/*"}
	if _, err := system(t).Call(t.Context(), "keep", []byte("{}"), opt); err == nil || !strings.Contains(err.Error(), `pattern "out/*"`) {
		t.Errorf("got %v for a pattern that is none", err)
	}
}

func TestCollectAfterFailures(t *testing.T) {
	t.Parallel()
	for end, kind := range map[string]string{
		"fail": wasmhost.KindError, "exit": wasmhost.KindExit, "nonsense": wasmhost.KindInvalidOutput,
		"trap": wasmhost.KindTrap, "loop": wasmhost.KindFuel,
	} {
		opt := withMounts(memoryMount("/out", nil))
		opt.Collect = []string{"/out/*"}
		opt.Limits.Fuel = 1e9
		r, err := system(t).Call(t.Context(), "keep", []byte(plan{Write: map[string]string{"/out/f": "left"}, End: end}.input(t)), opt)
		if e := (*wasmhost.TrapError)(nil); !errors.As(err, &e) || e.Kind != kind {
			t.Errorf("%s: got %v, want kind %s", end, err, kind)
		}
		want := 1
		if end == "trap" || end == "loop" {
			want = 0
		}
		if len(r.Files) != want {
			t.Errorf("%s: got %v, want %d files", end, r.Files, want)
		}
	}
}

// What a guest wrote before it failed may explain the failure.
func TestOutputAfterFailures(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ task, input, want string }{
		{"write_fail", `{"line":3}`, `{"line":3}`},
		{"write_fail", `"no JSON"`, ""},
		{"write_fail", `null`, ""},
		{"keep", `{"End":"trap"}`, ""},
	} {
		r, err := system(t).Call(t.Context(), c.task, []byte(c.input), options())
		if err == nil || string(r.Output) != c.want {
			t.Errorf("%s %s: got %q, %v, want %q", c.task, c.input, r.Output, err, c.want)
		}
	}
}
