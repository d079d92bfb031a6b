package inside_test

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/graflow/graflow-wasm/handlers/docker/inside"
	"github.com/graflow/graflow-wasm/handlers/docker/internal/lines"
)

// meddler changes a file when the host begins to receive it.
type meddler struct {
	*embedder
	deed func() error
}

func (m meddler) Put(ctx context.Context, name string, size int64, r io.Reader) (string, error) {
	if err := m.deed(); err != nil {
		return "", err
	}
	return m.embedder.Put(ctx, name, size, r)
}

// TestFilesChange has files change while they are sent, as those on a volume
// that others write may.
func TestFilesChange(t *testing.T) {
	t.Parallel()
	const size = 8 << 20 // far more than is on its way at once
	for _, tt := range []struct {
		name    string
		change  func(path string) error
		message string // "": it is sent as it was
	}{
		{"shrinks", func(path string) error { return os.Truncate(path, 1<<20) }, "it changed from 8388608 to 1048576 bytes"},
		{"grows", func(path string) error { return os.Truncate(path, size+1) }, "it changed from 8388608 to 8388609 bytes"},
		{"is replaced", func(path string) error {
			if err := os.Rename(path, path+".old"); err != nil {
				return err
			}
			return os.Symlink("/etc/passwd", path)
		}, ""},
		{"is removed", os.Remove, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir, out := t.TempDir(), t.TempDir()
			path, e := filepath.Join(out, "file"), newEmbedder()
			if err := os.WriteFile(path, []byte(strings.Repeat("x", size)), 0o600); err != nil {
				t.Fatal(err)
			}
			server, err := lines.Listen(lines.Config{
				Dir: dir, Files: meddler{e, func() error { return tt.change(path) }},
				Stop: func(err error) { t.Errorf("stopped by %v", err) },
			})
			if err != nil {
				t.Fatal(err)
			}
			defer server.Close()
			err = inside.LeaveFiles(t.Context(), filepath.Join(dir, lines.SocketName), out, "*")
			server.Close()
			switch {
			case tt.message == "" && (err != nil || e.files["file"] != strings.Repeat("x", size)):
				t.Errorf("got %v, %d bytes", err, len(e.files["file"]))
			case tt.message != "" && (err == nil || !strings.Contains(err.Error(), tt.message)):
				t.Errorf("got %v, want %q", err, tt.message)
			}
		})
	}
}

// TestResultChanges reads files that are not what they seem, or don't stay so.
func TestResultChanges(t *testing.T) {
	t.Parallel()
	if _, err := inside.ReadResult("/proc/self/status", 10); err == nil || !strings.Contains(err.Error(), "more than the 10") {
		t.Errorf("a file of unknown size: got %v", err)
	}
	path := filepath.Join(t.TempDir(), "result")
	if err := os.WriteFile(path, []byte("1"), 0o600); err != nil {
		t.Fatal(err)
	}
	fifo := path + ".fifo"
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	stop, replaced := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(replaced)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			_ = os.Remove(path + ".new")
			switch i % 3 {
			case 0:
				_ = os.Symlink("/etc/passwd", path+".new")
			case 1:
				_ = os.Link(fifo, path+".new")
			case 2:
				_ = os.WriteFile(path+".new", []byte("1"), 0o600)
			}
			_ = os.Rename(path+".new", path)
		}
	}()
	read := 0
	for range 2000 {
		value, err := inside.ReadResult(path, 10)
		if err == nil && string(value) != "1" {
			t.Fatalf("got %s", value)
		}
		if err == nil {
			read++
		}
	}
	close(stop)
	<-replaced
	if read == 0 || read == 2000 {
		t.Errorf("%d of 2000 were regular files: the test tests nothing", read)
	}
}
