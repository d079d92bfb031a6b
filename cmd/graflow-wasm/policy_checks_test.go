package main

import (
	"fmt"
	"strings"
	"testing"
)

// newChecks is a directory with flows, one of them with a grant, a test file of that, and
// receipts of both.
func newChecks(t *testing.T) bounded {
	t.Helper()
	b := bounded{T: t, dir: t.TempDir()}
	b.write("plain.flow.yaml", fmt.Appendf(nil, "name: plain\ntasks:\n  a: {wasm: %q}\n", guest+"#echo"))
	b.write("env.flow.yaml", fmt.Appendf(nil, "name: env\ntasks:\n  a: {wasm: %q, grants: {env: {A: b}}}\n", guest+"#echo"))
	b.write("env.test.yaml", []byte("flow: env.flow.yaml\ncases:\n  - name: one\n    input: 1\n    expect: {output: 1}\n"))
	b.write("open.yaml", []byte("isolation: inproc\nlimits: {fuel: 1e9}\n"))
	b.write("noenv.yaml", []byte("isolation: inproc\ngrants: {env: []}\n"))
	b.write("nofuel.yaml", []byte("isolation: inproc\nlimits: {fuel: 10}\n"))
	b.write("bad.yaml", []byte("grants: {htp: []}\n"))
	b.must("", "module", "keygen", "key")
	for _, flow := range []string{"plain", "env"} {
		b.must("1", "run", flow+".flow.yaml", "--input", "1", "-q", "--receipt", flow+".receipt", "--receipt-key", "key")
	}
	return b
}

// TestPolicyOfChecks holds what checks flows, runs their cases and repeats runs to a
// policy, and wants nothing said against a receipt that the policy alone has come
// otherwise.
func TestPolicyOfChecks(t *testing.T) {
	t.Parallel()
	b := newChecks(t)
	const refused = `grants.env: the operator does not allow "A"; that is the policy noenv.yaml, key grants.env`
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"validate env.flow.yaml --policy open.yaml", 0, "valid"},
		{"validate env.flow.yaml plain.flow.yaml --policy noenv.yaml", exitUsage, "env.flow.yaml:3:13: task \"a\": " + refused},
		{"validate env.flow.yaml --policy bad.yaml", exitUsage, "bad.yaml:1:10"},
		{"test env.flow.yaml --policy open.yaml", 0, "1 of 1 cases pass"},
		{"test env.flow.yaml --policy noenv.yaml", exitFailed, refused},
		{"test env.flow.yaml --policy nofuel.yaml", exitFailed, "fuel"},
		{"verify env.receipt --flow env.flow.yaml --policy open.yaml", 0, "verdict    holds"},
		{"verify env.receipt --flow env.flow.yaml --policy noenv.yaml", exitUnverified, refused},
		{"verify plain.receipt --flow plain.flow.yaml --policy noenv.yaml", 0, "verdict    holds"},
		{"verify plain.receipt --flow plain.flow.yaml --policy nofuel.yaml", exitUnverified, "the policy nofuel.yaml gives it less than it asks for"},
		{"verify plain.receipt --flow plain.flow.yaml --policy bad.yaml", exitUsage, "bad.yaml:1:10"},
		{"schedules add s plain.flow.yaml --every 1h --dry-run --policy open.yaml", exitUsage, "--policy"},
	} {
		args := strings.Fields(c.args)
		if args[0] == "verify" {
			args = append(args, "--key", "key.pub", "--input", "1")
		}
		if code, out := b.said(args...); code != c.code || !strings.Contains(out, c.want) {
			t.Errorf("%s: exit code %d, want %d and %q:\n%s", c.args, code, c.code, c.want, out)
		}
	}
}
