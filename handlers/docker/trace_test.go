package docker

import (
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/internal/dockertest"
)

const someTrace = "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01"

// TestTraceparent: an attempt's trace is in its environment, in a container of its own
// and in one that is reused, unless the task sets another, or it is none.
func TestTraceparent(t *testing.T) {
	t.Parallel()
	h := newHandler(t, Config{Policy: Policy{Pool: true}, Binary: dockertest.Program(t, "./inside/testdata/inside")})
	image := dockertest.Busybox(t)
	spec := shell(image, `printf '"%s"' "$TRACEPARENT"`)
	with := func(more string) string { return strings.TrimSuffix(spec, "}") + `,"result":"stdout",` + more + "}" }
	for name, test := range map[string]struct{ spec, trace, want string }{
		"its own container": {with(`"reuse":"none"`), someTrace, someTrace},
		"a pooled one":      {with(`"reuse":"pool"`), someTrace, someTrace},
		"the task's":        {with(`"environment":{"TRACEPARENT":"mine"}`), someTrace, "mine"},
		"none":              {with(`"workdir":"/"`), "", ""},
		"something else":    {with(`"workdir":"/"`), "what the embedder follows runs by", ""},
	} {
		call := callOf(test.spec, "null")
		call.Trace = test.trace
		result, err := h.Handle(t.Context(), call)
		if err != nil || string(result.Value) != `"`+test.want+`"` {
			t.Errorf("%s: got %s, %v, want %q", name, result.Value, err, test.want)
		}
	}
}

func TestIsTraceparent(t *testing.T) {
	t.Parallel()
	for trace, want := range map[string]bool{
		someTrace: true, "": false, someTrace + "0": false, strings.ToUpper(someTrace): false,
		strings.Replace(someTrace, "-", "0", 1): false, strings.Replace(someTrace, "0", "-", 1): false,
		strings.Replace(someTrace, "1", "\n", 1): false,
	} {
		if got := isTraceparent(trace); got != want {
			t.Errorf("%q: got %t, want %t", trace, got, want)
		}
	}
}
