package linmem_test

import (
	"bytes"
	"os"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/graflow/graflow-wasm/wasmhost/internal/linmem"
)

const scarceEnv = "LINMEM_TEST_SCARCE"

// TestScarceAddresses runs a memory in a process that may not reserve 4 GiB.
func TestScarceAddresses(t *testing.T) {
	t.Parallel()
	if os.Getenv(scarceEnv) != "" {
		useScarce(t)
		return
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestScarceAddresses$", "-test.v")
	cmd.Env = append(os.Environ(), scarceEnv+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("PASS: TestScarceAddresses")) {
		t.Fatalf("%v\n%s", err, out)
	}
}

func useScarce(t *testing.T) {
	t.Helper()
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_AS, &old); err != nil {
		t.Fatal(err)
	}
	before := linmem.New(linmem.Config{Most: 64 * page})
	defer before.Free()
	// Room for 2 GiB more, of which Go takes some.
	limit := uint64(statm(t, 0)) + 2<<30
	if err := unix.Setrlimit(unix.RLIMIT_AS, &unix.Rlimit{Cur: limit, Max: old.Max}); err != nil {
		t.Fatal(err)
	}
	m := linmem.New(linmem.Config{})
	defer m.Free()
	if linmem.IsHeap(before) || !linmem.IsHeap(m) {
		t.Error("the limit was not met")
	}
	for _, m := range []*linmem.Memory{before, m} {
		b := m.Reallocate(2 * page)
		if b == nil {
			t.Fatal("a page was refused")
		}
		b[page] = 1
		s, err := m.Snapshot()
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if err := m.Map(s); err != nil {
			t.Fatal(err)
		}
		m.Reallocate(3 * page)[page] = 2
		if _, err := m.Reset(); err != nil {
			t.Fatal(err)
		}
		if b := m.Reallocate(2 * page); b == nil || b[page] != 1 {
			t.Error("memory differs from its snapshot")
		}
	}
}
