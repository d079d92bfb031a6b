package examples_test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// purchases are runs of 07-approval, in a state directory and with a ledger of
// their own.
type purchases struct {
	kept

	flow, ledger string
}

func newPurchases(t *testing.T) purchases {
	t.Helper()
	guest, err := filepath.Abs("07-approval/guest")
	if err != nil {
		t.Fatal(err)
	}
	ledger := t.TempDir()
	flow := flowWith(t, "07-approval/purchase.flow.yaml", "./guest", guest, "./ledger", ledger)
	return purchases{kept(filepath.Join(t.TempDir(), "state")), flow, ledger}
}

// start begins the purchase of two chairs, which has to pause.
func (p purchases) start(t *testing.T, id string, args ...string) (stderr string) {
	t.Helper()
	args = append([]string{"run", p.flow, "--set", "item=chair", "--set", "quantity=2", "--id", id}, args...)
	out, errs, code := p.drive(t, args...)
	if code != 4 || out != "" {
		t.Fatalf("got exit code %d, stdout %q, stderr %q, want it paused", code, out, errs)
	}
	return errs
}

// entered is what the guests of a run have done to the world.
func (p purchases) entered(t *testing.T, id string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(p.ledger, id+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// expect runs a command that drives the run.
func (p purchases) expect(t *testing.T, code int, out, errs string, args ...string) {
	t.Helper()
	gotOut, gotErrs, got := p.drive(t, args...)
	if got != code || !strings.Contains(gotOut, out) || !strings.Contains(gotErrs, errs) {
		t.Fatalf("%q: got exit code %d, stdout %q, stderr %q; want %d, %q, %q", args, got, gotOut, gotErrs, code, out, errs)
	}
}

const (
	offered  = "offered 2 × chair for 258.00\n"
	ordered  = "ordered 2 × chair for 258.00 as PO-0042\n"
	declined = "declined 2 × chair for 258.00\n"
)

// TestApproval answers both pauses of a run, each from a process of its own, and
// counts what the guests did.
func TestApproval(t *testing.T) {
	t.Parallel()
	p := newPurchases(t)
	errs := p.start(t, "chairs")
	if !strings.Contains(errs, "task approve waits for approve: Buy 2 × chair for 258.00?") {
		t.Errorf("stderr %q does not tell for what it waits", errs)
	}
	if got := p.show(t, "chairs"); got.Status != "paused" || len(got.Pauses) != 1 || got.Pauses[0].Task != "approve" || string(got.Pauses[0].Schema) != `{"type":"boolean"}` {
		t.Errorf("got %+v, want it to wait for the approval", got)
	}
	p.expect(t, 2, "", "got string, want boolean", "runs", "resume", "chairs", "approve", `"yes"`)
	p.expect(t, 2, "", "no pause of that name", "runs", "resume", "chairs", "number", `"PO-0042"`)

	// What it tells to do is right.
	_, advice, _ := strings.Cut(errs, "answer it: graflow-wasm ")
	advice, _, _ = strings.Cut(advice, " --state ")
	if advice != "runs resume chairs approve true" {
		t.Fatalf("stderr %q: it tells to %q", errs, advice)
	}
	p.expect(t, 4, "", "task order waits for number", strings.Fields(advice)...)
	if got := p.entered(t, "chairs"); got != offered {
		t.Errorf("while it waits for the number: entered %q, want %q", got, offered)
	}
	p.expect(t, 2, "", "does not match pattern", "runs", "resume", "chairs", "number", `"42"`)
	const output = `{"status":"ordered","text":"2 × chair for 258.00","number":"PO-0042"}`
	p.expect(t, 0, output, "", "runs", "resume", "chairs", "number", `"PO-0042"`)

	// From here on nothing happens any more.
	p.expect(t, 2, "", "has ended", "runs", "resume", "chairs", "number", `"PO-0042"`)
	p.expect(t, 0, output, "nothing was done", "run", p.flow, "--set", "item=chair", "--set", "quantity=2", "--id", "chairs")
	if got := p.entered(t, "chairs"); got != offered+ordered {
		t.Errorf("entered %q, want %q", got, offered+ordered)
	}
	if got := p.show(t, "chairs"); got.Status != "succeeded" || string(got.Output) != output || got.Steps != 3 {
		t.Errorf("got %+v, want %s after three steps", got, output)
	}
}

func TestApprovalDeclined(t *testing.T) {
	t.Parallel()
	p := newPurchases(t)
	p.start(t, "chairs")
	p.expect(t, 0, `"status":"declined"`, "", "runs", "resume", "chairs", "approve", "false")
	if got := p.entered(t, "chairs"); got != offered+declined {
		t.Errorf("entered %q, want %q", got, offered+declined)
	}
}

// TestApprovalTimeout wants the default answer, whether the process stays or
// another one comes after it.
func TestApprovalTimeout(t *testing.T) {
	t.Parallel()
	p := newPurchases(t)
	p.expect(t, 0, `"status":"declined"`, "answered by itself (timeout): false",
		"run", p.flow, "--set", "item=chair", "--set", "quantity=2", "--set", "patience=50ms", "--id", "stays", "--wait")
	p.start(t, "comes", "--set", "patience=2s")
	p.expect(t, 0, `"status":"declined"`, "answered by itself (timeout): false", "runs", "resume", "comes", "--wait")
	for _, id := range []string{"stays", "comes"} {
		if got := p.entered(t, id); got != offered+declined {
			t.Errorf("%s: entered %q, want %q", id, got, offered+declined)
		}
	}
}

// TestApprovalAhead gives the answers before they are asked for.
func TestApprovalAhead(t *testing.T) {
	t.Parallel()
	p := newPurchases(t)
	p.expect(t, 0, `"number":"PO-0042"`, "", "run", p.flow, "--set", "item=chair", "--set", "quantity=2", "--id", "chairs",
		"--answer", "approve=true", "--answer", `number="PO-0042"`)
	if got := p.entered(t, "chairs"); got != offered+ordered {
		t.Errorf("entered %q, want %q", got, offered+ordered)
	}
}

// TestApprovalElsewhere answers from another process while the one that runs the
// purchase waits.
func TestApprovalElsewhere(t *testing.T) {
	t.Parallel()
	p := newPurchases(t)
	cmd := exec.CommandContext(t.Context(), command, "run", p.flow, "--set", "item=chair", "--set", "quantity=2", "--id", "chairs",
		"--state", string(p.kept), "--cache-dir", cache, "--wait")
	var out strings.Builder
	cmd.Stdout = &out
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for scanner := bufio.NewScanner(stderr); scanner.Scan(); {
		if strings.HasSuffix(scanner.Text(), "waits for approve") {
			p.expect(t, 2, "", "got string, want boolean", "runs", "resume", "chairs", "approve", `"yes"`)
			p.expect(t, 0, "", "goes on in the process", "runs", "resume", "chairs", "approve", "false")
		}
	}
	if err := cmd.Wait(); err != nil || !strings.Contains(out.String(), `"status":"declined"`) {
		t.Errorf("got %v, %q, want it declined", err, out.String())
	}
	if got := p.entered(t, "chairs"); got != offered+declined {
		t.Errorf("entered %q, want %q", got, offered+declined)
	}
}
