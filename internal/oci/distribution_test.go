package oci_test

import (
	"bytes"
	"testing"

	"github.com/graflow/graflow-wasm/internal/dockertest"
	"github.com/graflow/graflow-wasm/internal/oci"
)

// TestDistribution pushes to the registry that most others are measured by, the CNCF's
// distribution, and pulls from it.
func TestDistribution(t *testing.T) {
	t.Parallel()
	ref := reference(t, "oci://%s/tools/hello:1.0", dockertest.Registry(t))
	large := append(bytes.Clone(code), bytes.Repeat([]byte{0, 1, 7}, 1<<20)...) // in more than one piece
	pushed := push(t, ref, oci.Module{Code: large, Name: "hello"})
	for _, r := range []oci.Reference{ref, ref.Pinned(pushed.Manifest)} {
		got, err := client().Pull(t.Context(), r)
		if err != nil || !bytes.Equal(got.Code, large) || got.Name != "hello" || got.Digest != sum(large) {
			t.Errorf("%s: got %d bytes of %s, %v", r, len(got.Code), got.Name, err)
		}
	}
}
