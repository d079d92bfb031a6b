package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/internal/receipt"
)

// receipts is a directory in which receipts are written and verified, with a key of its
// own.
type receipts struct{ dir, key string }

func newReceipts(t *testing.T) receipts {
	t.Helper()
	dir := t.TempDir()
	r := receipts{dir, filepath.Join(dir, "key")}
	if _, err := makeKey(r.key); err != nil {
		t.Fatal(err)
	}
	return r
}

// do runs the command, wants an exit code, and returns what it prints.
func (r receipts) do(t *testing.T, code int, args ...string) string {
	t.Helper()
	var out, failed bytes.Buffer
	got := execute(append(args, "--cache-dir", cache), streams{in: strings.NewReader(""), out: &out, err: &failed})
	if got != code {
		t.Fatalf("%s: exit code %d, want %d\n%s%s", strings.Join(args, " "), got, code, out.String(), failed.String())
	}
	return out.String()
}

func (r receipts) run(t *testing.T, target string, args ...string) (file string) {
	t.Helper()
	file = filepath.Join(r.dir, "receipt")
	r.do(t, 0, append([]string{"run", target, "-q", "--receipt", file, "--receipt-key", r.key}, args...)...)
	return file
}

// verify verifies a receipt, wants an exit code, and returns the verification.
func (r receipts) verify(t *testing.T, code int, file string, args ...string) verification {
	t.Helper()
	var v verification
	out := r.do(t, code, append([]string{"verify", file, "--key", r.key + ".pub", "-o", "json"}, args...)...)
	if err := json.Unmarshal([]byte(out), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// Receipts of the examples hold: sandboxed modules, dynamic flows, code.
func TestReceiptsOfExamples(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		flow     string
		args     []string // of run, and of verify
		repeated int
	}{
		{"01-hello/hello.flow.yaml", []string{"--set", "name=Ada"}, 1},
		{"04-dynamic/agent.flow.yaml", nil, 5},
		{"04-dynamic/refine.flow.yaml", []string{"--input", `{"n": 2}`}, 6},
		{"04-dynamic/cache.flow.yaml", []string{"--input", `{"cached": false}`}, 3},
		{"13-llm-code/python/11_bank.py", inputOfExample(t, "python", "11_bank.py"), 1},
		{"13-llm-code/javascript/09_graph.js", inputOfExample(t, "javascript", "09_graph.js"), 1},
	} {
		t.Run(test.flow, func(t *testing.T) {
			t.Parallel()
			r, flow := newReceipts(t), "../../examples/"+test.flow
			file := r.run(t, flow, test.args...)
			v := r.verify(t, 0, file, append([]string{"--flow", flow}, test.args...)...)
			if v.Repeated != test.repeated || v.Steps != test.repeated || v.Fuel == 0 {
				t.Errorf("%d of %d steps were repeated, with %d fuel; want %d", v.Repeated, v.Steps, v.Fuel, test.repeated)
			}
		})
	}
}

// inputOfExample is the input of code of the examples, as the flag has it.
func inputOfExample(t *testing.T, dir, file string) []string {
	t.Helper()
	raw, err := os.ReadFile("../../examples/13-llm-code/" + dir + "/expected.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		File  string
		Input json.RawMessage
	}
	if err := json.Unmarshal(raw, &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		if c.File == file {
			return []string{"--input", string(c.Input)}
		}
	}
	t.Fatalf("%s: no case %s", dir, file)
	return nil
}

// What a task reads of the machine is carried, and what follows from it is repeated. A
// run that was kept is one like any other.
func TestReceiptOfFiles(t *testing.T) {
	t.Parallel()
	r, flow := newReceipts(t), "../../examples/02-textstats/textstats.flow.yaml"
	for _, args := range [][]string{nil, {"--state", filepath.Join(r.dir, "state")}} {
		file := r.run(t, flow, append(args, "--receipt-embed")...)
		v := r.verify(t, 0, file, "--module", "../../examples/02-textstats/guest")
		if v.Repeated != 5 || v.Attested != 1 || v.Outside["load"] == "" {
			t.Errorf("%d repeated, %d attested, outside %v; want 5, 1 and load", v.Repeated, v.Attested, v.Outside)
		}
	}
	file := r.run(t, flow)
	if v := r.verify(t, exitUnverified, file, "--flow", flow); len(v.Unverified) != 5 {
		t.Errorf("without what it has read: %v unverified", v.Unverified)
	}
}

// Who has the key may sign what he likes: it is found out by running it again.
func TestForgedReceipts(t *testing.T) {
	t.Parallel()
	r, flow := newReceipts(t), "../../examples/04-dynamic/refine.flow.yaml"
	args := []string{"--flow", flow, "--input", `{"n": 2}`}
	file := r.run(t, flow, "--input", `{"n": 2}`)
	seed := uint64(1)
	for name, test := range map[string]struct {
		change func(p *receipt.Predicate)
		what   string
		task   string
	}{
		"fuel":   {func(p *receipt.Predicate) { p.Steps[2].Fuel-- }, receipt.DiffFuel, "refine"},
		"output": {func(p *receipt.Predicate) { p.Steps[5].Output.Digest = "sha256:" + strings.Repeat("0", 64) }, receipt.DiffOutput, "refine"},
		"input":  {func(p *receipt.Predicate) { p.Input.Digest = "sha256:" + strings.Repeat("0", 64) }, receipt.DiffInput, ""},
		"seed":   {func(p *receipt.Predicate) { p.Seed = &seed }, receipt.DiffFlow, ""},
		"flow":   {func(p *receipt.Predicate) { p.Flow.Digest = "sha256:" + strings.Repeat("0", 64) }, receipt.DiffFlow, ""},
		"module": {func(p *receipt.Predicate) {
			p.Tasks[0].Module = "sha256:" + strings.Repeat("0", 64)
			p.Flow.Digest = p.Tasks[0].Module
		}, receipt.DiffModule, "refine"},
		"attempts": {func(p *receipt.Predicate) { p.Steps = p.Steps[:5] }, receipt.DiffUnexpected, "refine"},
		"end":      {func(p *receipt.Predicate) { p.Steps[5].End, p.Steps[5].Kind = receipt.EndFailed, "error" }, receipt.DiffEnd, "refine"},
		"status":   {func(p *receipt.Predicate) { p.Status = "failed" }, receipt.DiffStatus, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			forged := filepath.Join(t.TempDir(), "forged")
			r.forge(t, file, forged, test.change)
			v := r.verify(t, exitFailed, forged, args...)
			found := slices.ContainsFunc(v.Differences, func(d receipt.Difference) bool { return d.What == test.what && d.Task == test.task })
			if !found || v.Verdict != verdictDiffers {
				t.Errorf("%s: %+v, want %s of %q", v.Verdict, v.Differences, test.what, test.task)
			}
		})
	}
}

// forge changes what a receipt says, and signs it again.
func (r receipts) forge(t *testing.T, from, to string, change func(p *receipt.Predicate)) {
	t.Helper()
	raw, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	trusted, err := trustedReceiptKeys([]string{r.key + ".pub"})
	if err != nil {
		t.Fatal(err)
	}
	s, _, err := receipt.Open(raw, trusted)
	if err != nil {
		t.Fatal(err)
	}
	change(&s.Predicate)
	key, err := readPrivateKey(r.key)
	if err != nil {
		t.Fatal(err)
	}
	if raw, err = receipt.Seal(s, key); err == nil {
		err = os.WriteFile(to, raw, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// A byte that was changed is found by the command too, before anything is run.
func TestTamperedReceipt(t *testing.T) {
	t.Parallel()
	r := newReceipts(t)
	file := r.run(t, "../../examples/01-hello/hello.flow.yaml")
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(raw, []byte(`"payload":"`)) + 200
	if raw[at]++; raw[at] > 'z' || raw[at] == ':' || raw[at] == '[' {
		raw[at] = 'A'
	}
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	if v := r.verify(t, exitFailed, file); v.Verdict != verdictTampered || v.Flow != "" {
		t.Errorf("%+v, want it tampered with, and nothing believed", v)
	}
}
