package console_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/internal/ops"
)

// TestTooLarge refuses a form that is too large, and says so; what is smaller is taken
// whatever was asked before.
func TestTooLarge(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.as(ops.RoleOperator)
	b.has("/flows/new", "Store a flow")
	large := "name: x\n# " + strings.Repeat("x", 64<<10) + "\ntasks: {a: {direct: {func: echo}}}\n"
	b.does("/flows", []string{"deed", "store", "source", large}, "The flow was stored")
	b.refuses("/flows", http.StatusRequestEntityTooLarge, []string{"deed", "store", "source", strings.Repeat("x", 21<<20)}, "At most 20.0 MiB are taken")
}
