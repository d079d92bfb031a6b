package wasip1_test

import (
	"io"
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost/internal/guestfs"
	"github.com/graflow/graflow-wasm/wasmhost/internal/wasip1"
)

func BenchmarkNew(b *testing.B) {
	preopens := []wasip1.Preopen{{GuestPath: "/", FS: guestfs.NewMemory(nil)}}
	b.ReportAllocs()
	for b.Loop() {
		if err := wasip1.New(wasip1.Config{Preopens: preopens}).Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFunctions(b *testing.B) {
	for _, c := range []struct {
		name string
		args []uint64
	}{
		{"fd_write", []uint64{1, 16, 1, 64}},
		{"fd_read", []uint64{0, 16, 1, 64}},
		{"random_get", []uint64{128, 32}},
		{"clock_time_get", []uint64{1, 0, 64}},
		{"poll_oneoff", []uint64{256, 512, 1, 64}},
	} {
		b.Run(c.name, func(b *testing.B) {
			benchmark(b, wasip1.Config{Stdout: io.Discard}, c.name, c.args)
		})
	}
	for name, open := range map[string]func(*testing.B) guestfs.FS{
		"memory": func(*testing.B) guestfs.FS { return guestfs.NewMemory(guestfs.NewQuota(1 << 20)) },
		"dir": func(b *testing.B) guestfs.FS {
			b.Helper()
			tree, err := guestfs.OpenDir(b.TempDir(), true, guestfs.NewQuota(1<<20))
			if err != nil {
				b.Fatal(err)
			}
			return tree
		},
	} {
		// As interpreters look for modules in many places.
		b.Run("path_open/absent/"+name, func(b *testing.B) {
			s := wasip1.New(wasip1.Config{Preopens: []wasip1.Preopen{{GuestPath: "/", FS: open(b)}}})
			memory, fn := benchmarkMemory(), find(b, "path_open")
			n := copy(memory[128:], "lib/python3.13/encodings/__init__.py")
			b.ReportAllocs()
			for b.Loop() {
				if errno := fn.Run(b.Context(), s, memory, []uint64{3, 1, 128, uint64(n), 0, 0, 0, 0, 64}); errno != guestfs.ENOENT {
					b.Fatal(errno)
				}
			}
		})
	}
	b.Run("random_get/seeded", func(b *testing.B) {
		seeded := wasip1.Random{Kind: wasip1.SeededRandom}
		benchmark(b, wasip1.Config{Random: seeded}, "random_get", []uint64{128, 32})
	})
}

func benchmark(b *testing.B, config wasip1.Config, name string, args []uint64) {
	b.Helper()
	s := wasip1.New(config)
	memory := benchmarkMemory()
	fn := find(b, name)
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		if errno := fn.Run(ctx, s, memory, args); errno != guestfs.OK {
			b.Fatal(errno)
		}
	}
}

// benchmarkMemory has a line at 128 under a vector at 16, and a subscription to
// the past at 256.
func benchmarkMemory() []byte {
	memory := make([]byte, memorySize)
	line := copy(memory[128:], "a line of output for the log\n")
	le.PutUint32(memory[16:], 128)
	le.PutUint32(memory[20:], uint32(line))
	le.PutUint16(memory[256+40:], 1)
	return memory
}

//nolint:paralleltest // others would allocate meanwhile
func TestCommonCallsDontAllocate(t *testing.T) {
	s := wasip1.New(wasip1.Config{Stdout: io.Discard, Stdin: []byte("input")})
	memory := benchmarkMemory()
	for name, args := range map[string][]uint64{
		"fd_write":       {1, 16, 1, 64},
		"fd_read":        {0, 16, 1, 64},
		"random_get":     {128, 32},
		"clock_time_get": {1, 0, 64},
		"poll_oneoff":    {256, 512, 1, 64},
	} {
		fn := find(t, name)
		got := testing.AllocsPerRun(100, func() { _ = fn.Run(t.Context(), s, memory, args) })
		if got != 0 {
			t.Errorf("%s: got %v allocations, want none", name, got)
		}
	}
	preopens := make([]wasip1.Preopen, 1)
	if got := testing.AllocsPerRun(100, func() { wasip1.New(wasip1.Config{Preopens: preopens}) }); got > 1 {
		t.Errorf("New: got %v allocations, want 1", got)
	}
}
