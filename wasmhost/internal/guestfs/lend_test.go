package guestfs

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func lend(tb testing.TB, memory *Memory, path string, content []byte) {
	tb.Helper()
	if err := memory.Lend(path, content); err != nil {
		tb.Fatal(err)
	}
}

func TestLendDoesNotCopy(t *testing.T) {
	t.Parallel()
	memory, quota := newMemory(t, enough)
	content := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	lend(t, memory, "d/f", content)
	for i, chunk := range memory.root.children["d"].children["f"].content.chunks {
		if &chunk[0] != &content[i*chunkBytes] {
			t.Errorf("chunk %d is a copy", i)
		}
	}
	if got, want := quota.Used(), int64(2*EntryBytes+len(content)); got != want {
		t.Errorf("charged %d, want %d", got, want)
	}
	if got := files(memory)["d/f"]; got != string(content) {
		t.Error("it reads otherwise")
	}
	succeed(t, memory.Unlink("d/f"))
	if got := quota.Used(); got != EntryBytes {
		t.Errorf("charged %d once it is removed", got)
	}
}

func TestLendRespectsTheQuota(t *testing.T) {
	t.Parallel()
	memory, quota := newMemory(t, EntryBytes+10)
	if err := memory.Lend("f", make([]byte, 11)); !errors.Is(err, ENOSPC) || !strings.Contains(err.Error(), `"f"`) {
		t.Errorf("got %v, want ENOSPC", err)
	}
	lend(t, memory, "f", make([]byte, 10))
	lend(t, memory, "f", make([]byte, 4))
	if got := quota.Used(); got != EntryBytes+4 {
		t.Errorf("charged %d", got)
	}
}

// Whatever is done with a lent file, it is as a file of the machine, and the
// lender's bytes stay as they are.
func TestLentIsLikeDir(t *testing.T) {
	t.Parallel()
	above := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(above, "tree")
		if err != nil {
			rt.Fatal(err)
		}
		size := rapid.IntRange(0, 3*chunkBytes).Draw(rt, "size")
		content := bytes.Repeat([]byte("lent"), size/4+1)[:size]
		before := bytes.Clone(content)
		if err := os.WriteFile(filepath.Join(dir, "f"), content, 0o600); err != nil {
			rt.Fatal(err)
		}
		memory, quota := newMemory(t, enough)
		lend(t, memory, "f", content)
		guest := openDir(t, dir, true, NewQuota(enough))
		defer guest.Close()
		got, _ := memory.Open("f", Write)
		want, _ := guest.Open("f", Write)
		defer want.Close()
		for range rapid.IntRange(1, 20).Draw(rt, "steps") {
			how := rapid.IntRange(0, 2).Draw(rt, "how")
			at := rapid.Int64Range(0, 4*chunkBytes).Draw(rt, "at")
			p := bytes.Repeat([]byte{'x'}, rapid.IntRange(0, 2*chunkBytes).Draw(rt, "n"))
			for _, f := range []File{got, want} {
				var e Errno
				switch how {
				case 0:
					_, e = f.WriteAt(p, at)
				case 1:
					_, e = f.Append(p[:len(p)/16])
				default:
					e = f.Truncate(at)
				}
				if e != OK {
					rt.Fatal(e)
				}
			}
			g, w := make([]byte, 8*chunkBytes), make([]byte, 8*chunkBytes)
			n, _ := got.ReadAt(g, 0)
			m, _ := want.ReadAt(w, 0)
			if n != m || !bytes.Equal(g[:n], w[:m]) {
				rt.Fatalf("%d bytes, want %d, or others", n, m)
			}
		}
		if !bytes.Equal(content, before) {
			rt.Fatal("the lender's bytes have changed")
		}
		if used := quota.Used(); used != recount(t, memory, nil) {
			rt.Fatalf("charged %d", used)
		}
	})
}
