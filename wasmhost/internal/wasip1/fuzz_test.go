package wasip1_test

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost/internal/guestfs"
	"github.com/graflow/graflow-wasm/wasmhost/internal/wasip1"
)

// FuzzFunctions calls functions with any arguments on any memory: nothing may
// panic but proc_exit, hang, or write outside of memory. The script is a list of
// calls: a byte for the function, then a byte or more for each argument.
func FuzzFunctions(f *testing.F) {
	memory := fuzzMemory()
	f.Add(fuzzScript(f,
		"path_open 3 0 64 4 1 222 222 1 8", "path_open 3 0 64 4 0 66 0 0 8",
		"fd_write 5 16 2 8", "fd_pwrite 6 16 1 3 8", "fd_seek 5 0 0 8", "fd_read 5 16 2 8",
		"fd_tell 5 8", "fd_allocate 6 4 200", "fd_filestat_get 5 128", "fd_renumber 6 5",
		"fd_fdstat_set_flags 5 1", "fd_fdstat_set_rights 5 2 0", "fd_close 5",
	), memory)
	f.Add(fuzzScript(f,
		"path_create_directory 3 64 1", "path_open 3 0 64 1 2 0 0 0 8", "fd_readdir 5 128 40 0 8",
		"path_rename 3 64 1 5 65 1", "path_rename 3 64 1 3 65 1", "path_filestat_get 5 1 72 5 128",
		"path_remove_directory 3 65 1", "path_unlink_file 3 64 4", "path_symlink 64 1 3 65 1",
	), memory)
	f.Add(fuzzScript(f,
		"poll_oneoff 96 160 1 8", "clock_time_get 1 0 8", "random_get 0 200", "args_get 16 64",
		"fd_prestat_get 3 8", "fd_prestat_dir_name 3 8 1", "sock_recv 0 0 0 0 0 0", "proc_exit 3",
	), memory)
	f.Fuzz(func(t *testing.T, script, content []byte) {
		fuzz(t, script, content)
	})
}

// fuzzMemory has two vectors at 16, names at 64 and a subscription at 96.
func fuzzMemory() []byte {
	memory := make([]byte, 256)
	for at, value := range map[int]uint32{16: 128, 20: 9, 24: 140, 28: 5, 112: 1, 120: 1000} {
		le.PutUint32(memory[at:], value)
	}
	copy(memory[64:], "file\x00\x00\x00\x00../..")
	return memory
}

// fuzzScript writes calls as the fuzzer reads them.
func fuzzScript(f *testing.F, calls ...string) []byte {
	f.Helper()
	var script []byte
	for _, call := range calls {
		words := strings.Fields(call)
		script = append(script, byte(slices.IndexFunc(functions, func(fn wasip1.Function) bool {
			return fn.Name == words[0]
		})))
		for _, word := range words[1:] {
			n, err := strconv.ParseUint(word, 10, 8)
			if err != nil {
				f.Fatal(err)
			}
			script = append(script, byte(n))
		}
	}
	return script
}

// TestRandomFunctions is a run of the fuzzer that always takes place.
func TestRandomFunctions(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		script, content := make([]byte, r.IntN(400)), make([]byte, r.IntN(600))
		for i := range script {
			script[i] = byte(r.Uint32())
		}
		for i := range content {
			// Mostly small numbers, so that vectors and records make sense.
			if r.IntN(3) == 0 {
				content[i] = byte(r.IntN(32))
			}
		}
		fuzz(t, script, content)
	}
}

const canaries = 4 << 10

func fuzz(t *testing.T, script, content []byte) {
	t.Helper()
	arena := bytes.Repeat([]byte{0xA5}, canaries+len(content)+canaries)
	// The capacity goes on, as that of memory with room to grow does.
	memory := arena[canaries : canaries+len(content)]
	copy(memory, content)
	tree := guestfs.NewMemory(guestfs.NewQuota(64 << 10))
	state := wasip1.New(wasip1.Config{
		Args: []string{"fuzz", "x"}, Env: []string{"A=b"}, Stdin: []byte("input"),
		Stdout: io.Discard,
		Preopens: []wasip1.Preopen{
			{GuestPath: "/", FS: tree},
			{GuestPath: "/b", FS: guestfs.NewMemory(guestfs.NewQuota(64 << 10))},
		},
		OpenFiles: 8,
		Clock:     wasip1.Clock{Kind: wasip1.VirtualClock},
	})
	for calls := 0; len(script) > 0 && calls < 200; calls++ {
		var i byte
		i, script = script[0], script[1:]
		fn := functions[int(i)%len(functions)]
		args := make([]uint64, len(fn.Params))
		for n := range args {
			args[n], script = fuzzArgument(script)
		}
		callFuzzed(t, fn, state, memory, args)
	}
	_ = state.Touched()
	_ = state.ReadEnvironment()
	if got := state.OpenCount(); got < 0 || got > 8 {
		t.Errorf("got %d open files, want 0 to 8", got)
	}
	if err := state.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	outside := append(bytes.Clone(arena[:canaries]), arena[canaries+len(content):]...)
	if !bytes.Equal(outside, bytes.Repeat([]byte{0xA5}, len(outside))) {
		t.Error("something was written outside of memory")
	}
}

// fuzzArgument takes small numbers from one byte, and large ones from more.
func fuzzArgument(script []byte) (uint64, []byte) {
	if len(script) == 0 {
		return 0, nil
	}
	b, rest := script[0], script[1:]
	switch {
	case b < 224:
		return uint64(b), rest
	case b < 240:
		return -uint64(b-223) & (1<<32 - 1), rest // close to the end of 32 bits
	case b < 250:
		return -uint64(b - 239), rest // and of 64
	default:
		wide := make([]byte, 8)
		n := copy(wide, rest)
		return le.Uint64(wide), rest[n:]
	}
}

func callFuzzed(
	t *testing.T, fn wasip1.Function, s *wasip1.State, memory []byte, args []uint64,
) {
	t.Helper()
	defer func() {
		switch r := recover().(type) {
		case nil:
		case wasip1.Exit:
			if fn.Name != "proc_exit" {
				t.Errorf("%s panicked with %v", fn.Name, r)
			}
		default:
			t.Errorf("%s%v panicked: %v", fn.Name, args, r)
			panic(r)
		}
	}()
	if errno := fn.Run(context.Background(), s, memory, args); errno > guestfs.ENOTCAPABLE {
		t.Errorf("%s%v: got errno %d, which there is none of", fn.Name, args, errno)
	}
}

// Every pointer of every function, one after the other, leads out of memory.
func TestBadPointers(t *testing.T) {
	t.Parallel()
	const out, huge = memorySize - 2, 1<<32 - 1
	// Each row is a call that succeeds but for the last place given.
	for _, c := range []struct {
		name     string
		args     []uint64
		pointers []int
	}{
		{"args_get", []uint64{16, 64}, []int{0, 1}},
		{"args_sizes_get", []uint64{16, 64}, []int{0, 1}},
		{"environ_get", []uint64{16, 64}, []int{0, 1}},
		{"environ_sizes_get", []uint64{16, 64}, []int{0, 1}},
		{"clock_res_get", []uint64{0, 16}, []int{1}},
		{"clock_time_get", []uint64{0, 0, 16}, []int{2}},
		{"fd_fdstat_get", []uint64{3, 16}, []int{1}},
		{"fd_filestat_get", []uint64{3, 16}, []int{1}},
		{"fd_pread", []uint64{4, 256, 1, 0, 16}, []int{1, 4}},
		{"fd_prestat_dir_name", []uint64{3, 16, 8}, []int{1}},
		{"fd_prestat_get", []uint64{3, 16}, []int{1}},
		{"fd_pwrite", []uint64{4, 256, 1, 0, 16}, []int{1, 4}},
		{"fd_read", []uint64{4, 256, 1, 16}, []int{1, 3}},
		{"fd_readdir", []uint64{3, 512, 100, 0, 16}, []int{1, 4}},
		{"fd_seek", []uint64{4, 0, 0, 16}, []int{3}},
		{"fd_tell", []uint64{4, 16}, []int{1}},
		{"fd_write", []uint64{4, 256, 1, 16}, []int{1, 3}},
		{"path_create_directory", []uint64{3, 512, 4}, []int{1}},
		{"path_filestat_get", []uint64{3, 0, 128, 4, 16}, []int{2, 4}},
		{"path_filestat_set_times", []uint64{3, 0, 128, 4, 0, 0, 0}, []int{2}},
		{"path_link", []uint64{3, 0, 128, 4, 3, 128, 4}, []int{2, 5}},
		{"path_open", []uint64{3, 0, 128, 4, 0, 2, 0, 0, 16}, []int{2, 8}},
		{"path_readlink", []uint64{3, 128, 4, 512, 64, 16}, []int{1, 3, 5}},
		{"path_remove_directory", []uint64{3, 512, 4}, []int{1}},
		{"path_rename", []uint64{3, 128, 4, 3, 128, 4}, []int{1, 4}},
		{"path_symlink", []uint64{128, 4, 3, 128, 4}, []int{0, 3}},
		{"path_unlink_file", []uint64{3, 512, 4}, []int{1}},
		{"poll_oneoff", []uint64{1024, 2048, 1, 16}, []int{0, 1, 3}},
		{"random_get", []uint64{16, 64}, []int{0}},
	} {
		for _, i := range c.pointers {
			for _, bad := range []uint64{out, huge, memorySize} {
				g := newTreeGuest(t)
				g.memory = g.memory[:memorySize:memorySize]
				if fd := g.open("file", create, 0); fd != 4 {
					t.Fatalf("got descriptor %d, want 4", fd)
				}
				g.prepareBadPointers()
				if errno := g.call(c.name, c.args...); errno == guestfs.EFAULT {
					t.Fatalf("%s is EFAULT with good pointers", c.name)
				}
				g.prepareBadPointers()
				args := append([]uint64(nil), c.args...)
				args[i] = bad
				g.want(guestfs.EFAULT, c.name, args...)
				if g.call("fd_write", 4, 256, 1, 16) != guestfs.OK {
					t.Errorf("%s: nothing works any more", c.name)
				}
			}
		}
	}
}

// prepareBadPointers puts a vector at 256, a name at 128 and 512, and a
// subscription to the past at 1024.
func (g *guest) prepareBadPointers() {
	clear(g.memory)
	le.PutUint32(g.memory[256:], 300)
	le.PutUint32(g.memory[260:], 3)
	copy(g.memory[128:], "file")
	copy(g.memory[512:], "none")
	le.PutUint16(g.memory[1024+40:], 1)
}

func TestNoMemory(t *testing.T) {
	t.Parallel()
	for _, fn := range functions {
		s := wasip1.New(wasip1.Config{Args: []string{"x"}, Env: []string{"A=b"}})
		args := make([]uint64, len(fn.Params))
		for i := range args {
			args[i] = 1
		}
		callFuzzed(t, fn, s, nil, args)
	}
}
