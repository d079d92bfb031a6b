package control_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/internal/control"
)

// TestFiles reads a file through a socket that is larger than any buffer.
func TestFiles(t *testing.T) {
	t.Parallel()
	s := newStore()
	c := serve(t, s.start(t), t.TempDir())
	content := strings.Repeat("all of it ", 1<<18)
	digest, _, err := s.backend.Blobs.Put(t.Context(), "r", strings.NewReader(content))
	check(t, "put", err)
	r, err := c.OpenFile(t.Context(), "r", digest)
	check(t, "open", err)
	got, err := io.ReadAll(r)
	check(t, "read", err)
	check(t, "close", r.Close())
	if !bytes.Equal(got, []byte(content)) {
		t.Errorf("got %d bytes, want the %d that were put", len(got), len(content))
	}
	_, err = c.OpenFile(t.Context(), "r", "sha256:"+strings.Repeat("0", 64))
	if control.Status(err) != http.StatusNotFound || !strings.Contains(err.Error(), "not found") {
		t.Errorf("open what is not there: got %v", err)
	}
}
