package examples_test

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/internal/guesttest"
	"github.com/graflow/graflow-wasm/runtimes"
)

// TestPolyglot builds the guests of 15-polyglot and runs its flow, as its page says.
func TestPolyglot(t *testing.T) {
	t.Parallel()
	for _, name := range []string{runtimes.Python, runtimes.JavaScript} {
		if _, err := runtimes.Open(name); errors.As(err, new(*runtimes.MissingError)) && os.Getenv("CI") == "" {
			t.Skipf("THE EXAMPLE IS NOT TESTED: %v", err)
		}
	}
	guesttest.Clang(t)
	cmd := exec.CommandContext(t.Context(), "make", "--silent", "-C", "15-polyglot", "GRAFLOW_WASM="+command, "FLAGS=--quiet --cache-dir "+cache)
	path, _, _ := strings.Cut(guesttest.AssemblyScriptPath(t), ":")
	cmd.Env = append(cmd.Environ(), "PATH="+path+":"+guesttest.RustPath(t))
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	const want = `| station | mean | a day | coldest | warmest | at last | spells |
| --- | --- | --- | --- | --- | --- | --- |
| Abisko | -0.34 ± 3.8 | +0.326 | 12 | 26 | 2.5 | 18 days of frost from 1 |
| Jena | 8.85 ± 2.79 | +0.095 | 12 | 22 | 8.2 | - |
| Porto | 19.74 ± 2.61 | +0.136 | 6 | 18 | 20.6 | 8 days of heat from 15, 3 days of heat from 28 |
`
	if got := string(out); err != nil || got != want {
		t.Errorf("got %v, %s, want\n%s\nstderr: %s", err, got, want, errs.String())
	}
	// The fault that the first language finds ends the flow.
	_, bad, code := run(t, "15-polyglot/polyglot.flow.yaml", "--set", "csv=day,a\n1,2\n2,warm\n")
	if code == 0 || !strings.Contains(bad, "a, day 2: ") {
		t.Errorf("a bad table: got exit code %d, %s, want the value named", code, bad)
	}
}
