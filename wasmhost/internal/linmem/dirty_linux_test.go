package linmem_test

import (
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/graflow/graflow-wasm/wasmhost/internal/linmem"
)

// TestFastWayIsTaken sees to it that the fast way isn't given up unnoticed:
// a scanner that works no more is replaced by a slower one.
func TestFastWayIsTaken(t *testing.T) {
	t.Parallel()
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		t.Fatal(err)
	}
	var major, minor int
	if _, err := fmt.Sscanf(unix.ByteSliceToString(name.Release[:]), "%d.%d", &major, &minor); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open("/proc/self/pagemap")
	if err != nil {
		t.Skipf("dirty pages can't be found here: %v", err)
	}
	f.Close()
	if !linmem.Supported("table") {
		t.Error("the page map can be opened, but is not used")
	}
	if major*100+minor >= 607 && !linmem.Supported("scan") {
		t.Errorf("Linux %d.%d can scan, but is not asked to", major, minor)
	}
}

// TestDirtyPages counts what Reset finds.
func TestDirtyPages(t *testing.T) {
	t.Parallel()
	size := os.Getpagesize()
	for _, c := range []struct {
		variant     string
		keep        int
		first, then int // dirty pages of two resets
	}{
		{"scan", 0, 4, 4}, // kept
		{"table", 0, 4, 4},
		{"scan", 3, 4, 3}, // one was given back
		{"table", 3, 4, 3},
		{"scan", -1, 4, 0},
		{"table", -1, 4, 0},
		{"none", 0, 3 * page / size, 3 * page / size},
		{"heap", 0, 3 * page / size, 3 * page / size},
	} {
		t.Run(fmt.Sprint(c.variant, c.keep), func(t *testing.T) {
			t.Parallel()
			if !linmem.Supported(c.variant) {
				t.Skipf("this kernel does not know %s", c.variant)
			}
			m, _ := mapped(t, c.variant, linmem.Config{Keep: c.keep})
			b := m.Reallocate(3 * page)
			for _, p := range []int{0, 5, 6, 3*page/size - 1} {
				b[p*size] = 99
			}
			_ = b[8*size] // read, not written
			for i, want := range []int{c.first, c.then} {
				if got, err := m.Reset(); err != nil || got != want {
					t.Errorf("reset %d: got %d dirty pages, %v, want %d", i, got, err, want)
				}
			}
		})
	}
}
