package examples_test

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/runtimes"
)

// needRuntimes skips what runs code where the interpreters were not built; in CI they
// are.
func needRuntimes(t *testing.T) {
	t.Helper()
	for _, name := range []string{runtimes.Python, runtimes.JavaScript} {
		_, err := runtimes.Open(name)
		if _, missing := errors.AsType[*runtimes.MissingError](err); missing && os.Getenv("CI") == "" {
			t.Skip(err)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// bought are runs of 14-agent-tools, in a state directory and with a ledger of their
// own.
type bought struct {
	kept

	flow, ledger string
}

func newBought(t *testing.T) bought {
	t.Helper()
	needRuntimes(t)
	ledger, dir := t.TempDir(), t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("14-agent-tools")); err != nil {
		t.Fatal(err)
	}
	flow := flowWith(t, "14-agent-tools/buy.flow.yaml", "./ledger", ledger)
	if err := os.Rename(flow, filepath.Join(dir, "buy.flow.yaml")); err != nil {
		t.Fatal(err)
	}
	return bought{kept(filepath.Join(t.TempDir(), "state")), filepath.Join(dir, "buy.flow.yaml"), ledger}
}

// args begin a run that buys a kettle.
func (b bought) args(id, budget string) []string {
	return []string{"run", b.flow, "--set", `want="steel kettle"`, "--set", "budget=" + budget, "--id", id}
}

// expect runs a command that drives the run.
func (b bought) expect(t *testing.T, code int, out, errs string, args ...string) {
	t.Helper()
	gotOut, gotErrs, got := b.drive(t, args...)
	if got != code || !strings.Contains(gotOut, out) || !strings.Contains(gotErrs, errs) {
		t.Fatalf("%q: got exit code %d, stdout %q, stderr %q; want %d, %q, %q", args, got, gotOut, gotErrs, code, out, errs)
	}
}

// called is what the tools have entered in the ledger, sorted.
func (b bought) called(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(b.ledger, "*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, strings.Split(strings.TrimSpace(string(text)), "\n")...)
	}
	slices.Sort(lines)
	return lines
}

// Calls that the tools enter, each once.
var (
	searched = []string{"r fetch_price K1", "r fetch_price K2", "r fetch_price K3", "r search steel kettle"}
	sent     = append(slices.Clone(searched), "r send K2 for 19.50")
)

const order = `{"status":"ordered","product":"Kettle Basic","price":19.5,"order":"PO-K2"}`

// TestAgentTools has a person approve what code wants to buy, in another process.
func TestAgentTools(t *testing.T) {
	t.Parallel()
	b := newBought(t)
	b.expect(t, 4, "", "waits for order: Order Kettle Basic for 19.50 euros?", b.args("r", "60")...)
	if got := b.called(t); !slices.Equal(got, searched) {
		t.Errorf("called %q, want %q", got, searched)
	}
	b.expect(t, 2, "", "got string, want boolean", "runs", "resume", "r", "order", `"yes"`)
	b.expect(t, 0, order, "", "runs", "resume", "r", "order", "true")
	if got := b.called(t); !slices.Equal(got, sent) {
		t.Errorf("called %q, want %q", got, sent)
	}
	b.expect(t, 0, order, "nothing was done", b.args("r", "60")...)
}

// TestAgentToolsAhead has the answer before it is asked for, or none at all.
func TestAgentToolsAhead(t *testing.T) {
	t.Parallel()
	b := newBought(t)
	b.expect(t, 0, `{"status":"declined","product":"Kettle Basic","price":19.5}`, "the shop has no K4", append(b.args("no", "60"), "--answer", "order=false")...)
	b.expect(t, 0, `{"status":"too expensive","prices":[54.9,49,19.5]}`, "", b.args("poor", "5")...)
}

// TestAgentToolsKilled kills the process in the midst of the calls, again and again: none
// is made twice.
func TestAgentToolsKilled(t *testing.T) {
	t.Parallel()
	b := newBought(t)
	killAt(t, b.kept, "agent/1/search: succeeded in ", b.args("r", "60")...)
	killAt(t, b.kept, "agent: calls approve", "runs", "resume", "r")
	b.expect(t, 4, "", "waits for order", "runs", "resume", "r")
	if got := b.called(t); !slices.Equal(got, searched) {
		t.Errorf("called %q, want %q", got, searched)
	}
	killAt(t, b.kept, "agent/4/send: succeeded in ", "runs", "resume", "r", "order", "true")
	b.expect(t, 0, order, "", "runs", "resume", "r")
	if got := b.called(t); !slices.Equal(got, sent) {
		t.Errorf("called %q, want %q", got, sent)
	}
}

// killAt runs a command that drives a run, and kills its process when it tells a line
// with such a text.
func killAt(t *testing.T, k kept, text string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), command, append(args, "--state", string(k), "--cache-dir", cache)...)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	told, killed := "", false
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		told += lines.Text() + "\n"
		if !killed && strings.Contains(lines.Text(), text) {
			killed = true
			_ = cmd.Process.Kill()
		}
	}
	_ = cmd.Wait() // it was killed
	if !killed {
		t.Fatalf("%q never told %q:\n%s", args, text, told)
	}
}
