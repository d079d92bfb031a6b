package cell_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost/internal/cell"
	"golang.org/x/sys/unix"
)

// hostile returns a parent's connection to a cell that sends b and hangs up.
func hostile(tb testing.TB, b []byte, most int64) *cell.Conn {
	tb.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		tb.Fatal(err)
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "ours"), os.NewFile(uintptr(pair[1]), "theirs")
	tb.Cleanup(func() { ours.Close() })
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		_, _ = theirs.Write(b) // it fails when the parent has seen enough
		theirs.Close()
	}()
	tb.Cleanup(func() {
		ours.Close()
		<-sent
	})
	c, err := cell.ParentConn(ours, most)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func frame(kind, files byte, header, data string) []byte {
	b := []byte{kind, files, 0, 0}
	b = binary.BigEndian.AppendUint32(b, uint32(len(header)))
	b = binary.BigEndian.AppendUint64(b, uint64(len(data)))
	return append(append(b, header...), data...)
}

// FuzzConn has the parent read what a cell that was taken over may send.
func FuzzConn(f *testing.F) {
	f.Add([]byte(nil))
	f.Add(frame(1, 0, "header", "data"))
	f.Add(append(frame(1, 0, "", ""), frame(2, 0, strings.Repeat("h", 300), strings.Repeat("d", 70000))...))
	f.Add(frame(1, 3, "header", "data"))
	f.Add(frame(cell.KindReserved, 0, "header", "data"))
	f.Add(bytes.Repeat([]byte{0xff}, 40))
	f.Add(frame(1, 0, "header", "data")[:20])
	f.Fuzz(func(t *testing.T, b []byte) {
		const most = 1 << 20
		c := hostile(t, b, most)
		rest := b
		for {
			got, err := c.Read()
			if err != nil {
				if _, again := c.Read(); again == nil {
					t.Error("a frame after the error ", err)
				}
				break
			}
			// What was read is what was sent, to the byte.
			n := cell.PrefixSize + len(got.Header) + len(got.Data)
			if n > most+cell.PrefixSize || n > len(rest) || len(got.Files) != 0 {
				t.Fatalf("a frame of %d bytes and %d files of %d bytes", n, len(got.Files), len(rest))
			}
			if want := frame(got.Kind, 0, string(got.Header), string(got.Data)); !bytes.Equal(want, rest[:n]) {
				t.Fatalf("% x was read as % x", rest[:n], want)
			}
			rest = rest[n:]
		}
	})
}

// TestPromises: a frame that claims to be large takes no memory before it comes.
func TestPromises(t *testing.T) { //nolint:paralleltest // it counts what this process allocates
	prefix := frame(1, 0, "", "")
	binary.BigEndian.PutUint32(prefix[4:], 1<<29)
	binary.BigEndian.PutUint64(prefix[8:], 1<<29)
	c := hostile(t, append(prefix, make([]byte, 100<<10)...), 1<<30)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := c.Read()
	runtime.ReadMemStats(&after)
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error(err)
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > 1<<20 {
		t.Errorf("took %d bytes for 100 KiB", took)
	}
}

func TestReadEnds(t *testing.T) {
	t.Parallel()
	whole := frame(1, 0, "header", "data")
	for name, test := range map[string]struct {
		sent []byte
		most int64
		want error
	}{
		"between frames": {whole, 100, io.EOF},
		"in a prefix":    {append(whole, 1, 2), 100, io.ErrUnexpectedEOF},
		"in a frame":     {append(whole, whole[:20]...), 100, io.ErrUnexpectedEOF},
		"too large":      {append(whole, frame(1, 0, "header", "data!")...), 10, cell.ErrTooLarge},
		"files":          {append(whole, frame(1, 1, "", "")...), 100, cell.ErrFrame},
		"reserved":       {append(whole, frame(0xff, 0, "", "")...), 100, cell.ErrFrame},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := hostile(t, test.sent, test.most)
			if f, err := c.Read(); err != nil || string(f.Data) != "data" || string(f.Header) != "header" {
				t.Fatal(f, err)
			}
			if _, err := c.Read(); !errors.Is(err, test.want) {
				t.Errorf("%v, want %v", err, test.want)
			}
		})
	}
}
