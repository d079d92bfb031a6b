package linmem_test

import (
	"bytes"
	"flag"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost/internal/linmem"
)

// attempts may be raised to 10 000 to see what takes its time.
var attempts = flag.Int("attempts", 20, "attempts that each grow a memory to 64 MiB")

// statm returns a field of /proc/self/statm in bytes: 0 is all addresses in
// use, 1 what is in memory.
func statm(t *testing.T, field int) int64 {
	t.Helper()
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	pages, err := strconv.ParseInt(strings.Fields(string(b))[field], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return pages * int64(os.Getpagesize())
}

func resident(t *testing.T) int64 {
	t.Helper()
	return statm(t, 1)
}

//nolint:paralleltest // it measures the whole process
func TestGrownMemoryGoesBack(t *testing.T) {
	m := linmem.New(linmem.Config{Most: 64 << 20})
	defer m.Free()
	m.Reallocate(4 << 20)
	s, err := m.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := m.Map(s); err != nil {
		t.Fatal(err)
	}
	before := resident(t)
	for range *attempts {
		b := m.Reallocate(64 << 20)
		for i := 0; i < len(b); i += os.Getpagesize() {
			b[i]++
		}
		if got := resident(t) - before; got < 60<<20 {
			t.Fatalf("got %d bytes resident of 64 MiB touched: nothing is measured", got)
		}
		if _, err := m.Reset(); err != nil {
			t.Fatal(err)
		}
	}
	// The snapshot's pages may stay, once as the file's and once as kept.
	if got, most := resident(t)-before, int64(12<<20); got > most {
		t.Errorf("got %d bytes more after %d attempts, want at most %d", got, *attempts, most)
	}
}

//nolint:paralleltest // it counts what the whole process has
func TestNothingLeaks(t *testing.T) {
	const rounds = 200
	use := func() {
		m, s := mapped(t, "scan", linmem.Config{})
		m.Reallocate(5 * page)[4*page] = 1
		if _, err := m.Reset(); err != nil {
			t.Fatal(err)
		}
		other, err := m.Snapshot()
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Map(other); err != nil {
			t.Fatal(err)
		}
		s.Close()
		other.Close()
		m.Free()
	}
	use() // opens what stays open
	mappings, files := count(t)
	for range rounds {
		use()
	}
	mappingsAfter, filesAfter := count(t)
	if got := mappingsAfter - mappings; got > rounds/4 {
		t.Errorf("got %d mappings more after %d rounds", got, rounds)
	}
	if got := filesAfter - files; got > 0 {
		t.Errorf("got %d files more after %d rounds", got, rounds)
	}
}

// count returns how many mappings and memory files the process has.
func count(t *testing.T) (mappings, files int) {
	t.Helper()
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Count(maps, []byte("\n")), len(fds)
}
