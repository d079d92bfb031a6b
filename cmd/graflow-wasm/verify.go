package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/receipt"
	"github.com/spf13/cobra"
)

// Exit codes of verify, beside those of all commands.
const (
	exitUntrusted  = 7
	exitUnverified = 8
)

// verifyOptions are the flags of `verify`.
type verifyOptions struct {
	keys        []string
	flow        string
	input       string
	set         []string
	answers     []string
	modules     []string
	offline     bool
	noRun       bool
	timeout     time.Duration
	concurrency int
	cacheDir    string
	policy      policyFlags
	reach       ociFlags
	format      *choice

	ahead  map[string]json.RawMessage
	bounds *bounds // what policy says
}

func newVerify(std streams) *cobra.Command {
	var o verifyOptions
	cmd := &cobra.Command{
		Use:   "verify RECEIPT",
		Short: "Verify the receipt of a run, by running it again",
		Long: `Verify finds out whether what a receipt says holds: that a trusted key has signed it and
nothing of it was changed, that flow, modules and input have the digests that it tells,
and that each task which can be repeated comes to the same output with the same fuel,
exactly, on this machine. The tasks run in the sandbox, nothing is kept, and what can't
be repeated (containers, HTTP, secrets, directories of the machine, real clocks) is not
run: the signature alone speaks for it. --policy bounds what is run. Where it gives a
task less than the run did, other results say nothing against the receipt, nor for it.

Trusted are the keys given with --key; without one, the key of this installation, which
run --receipt signs with.

The receipt has digests. Flow, input and modules are to be given, unless it carries
them (--receipt-embed); modules are found where the flow names them, in the cache, and
with --module.

Exit codes: 0 it holds; 1 it does not: the signature, a digest, or what came of a task;
2 bad usage, or no receipt; 3 canceled; 5 --timeout; 7 it is signed by a key that is not
trusted, and nothing was run; 8 nothing speaks against it, but not all that can be
repeated was: something is missing, or --no-run was given.`,
		Example: `  graflow-wasm run hello.flow.yaml --receipt hello.receipt
  graflow-wasm verify hello.receipt --flow hello.flow.yaml
  graflow-wasm verify hello.receipt --key ci.key.pub --module hello.wasm --input @in.json -o json`,
		Args: arguments(cobra.ExactArgs(1)),
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringArrayVar(&o.keys, "key", nil, "a public `KEY` to trust: its file or its text (repeatable: one of them)")
	f.StringVar(&o.flow, "flow", "", "the `TARGET` that was run: a flow file, a module or code")
	f.StringVar(&o.input, "input", "", "the run's input: JSON, @FILE, or - for stdin")
	f.StringArrayVar(&o.set, "set", nil, "put key=value into the input, as run does (repeatable)")
	f.StringArrayVar(&o.answers, "answer", nil, "the answer that a pause had, as `NAME=JSON` (repeatable)")
	f.StringArrayVar(&o.modules, "module", nil, "a module that ran: a `FILE`, the directory of a Go guest, or oci://… (repeatable)")
	f.BoolVar(&o.offline, "offline", false, "ask no registry: modules are files, or in the cache")
	f.BoolVar(&o.noRun, "no-run", false, "check the signature and the digests, and run nothing")
	f.DurationVar(&o.timeout, "timeout", 0, "bound of all that is run, as 10s or 5m")
	f.IntVar(&o.concurrency, "concurrency", 0, "tasks that run at once (default: one for each processor)")
	f.StringVar(&o.cacheDir, "cache-dir", "", "where compiled modules are kept (default: graflow-wasm in the user's cache directory)")
	o.policy.addTo(f, boundsOfOperator)
	o.reach.addTo(f)
	o.format = outputFlag(cmd, "text", "json")
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return verify(cmd.Context(), std, args[0], o) }
	return cmd
}

// check reads what the flags say.
func (o *verifyOptions) check() error {
	switch {
	case o.timeout < 0:
		return usagef("verify: --timeout %s: want a positive duration", o.timeout)
	case o.concurrency < 0:
		return usagef("verify: --concurrency %d: want 1 or more", o.concurrency)
	}
	if o.offline {
		for _, name := range o.modules {
			if strings.HasPrefix(name, "oci://") {
				return usagef("verify: --offline asks no registry; give %s as a file", name)
			}
		}
	}
	o.ahead = map[string]json.RawMessage{}
	for _, text := range o.answers {
		name, value, ok := strings.Cut(text, "=")
		if !ok || name == "" {
			return usagef("--answer %q: want NAME=JSON, as approve=true", text)
		}
		if err := checkJSON([]byte(value)); err != nil {
			return usagef("--answer %q: %w", text, err)
		}
		o.ahead[name] = json.RawMessage(value)
	}
	var err error
	o.bounds, err = o.policy.own(nil)
	return err
}

// Verdicts of verify.
const (
	verdictHolds      = "holds"
	verdictDiffers    = "differs"
	verdictTampered   = "tampered"
	verdictUntrusted  = "untrusted"
	verdictUnverified = "unverified"
)

// verification is what `verify -o json` prints.
type verification struct {
	Receipt  string            `json:"receipt"`
	Verdict  string            `json:"verdict"`
	Fault    string            `json:"fault,omitempty"`  // of one that can't be believed
	Signer   string            `json:"signer,omitempty"` // of a signature that is good
	Run      string            `json:"run,omitempty"`
	Flow     string            `json:"flow,omitempty"`
	Digest   string            `json:"flow_digest,omitempty"`
	Status   engine.Status     `json:"status,omitempty"`
	Ended    time.Time         `json:"ended,omitzero"`
	Made     *receipt.Software `json:"made,omitempty"`
	Missing  map[string]string `json:"missing,omitempty"` // what would be needed: flow, input, run, or of an activation
	Outside  map[string]string `json:"outside,omitempty"` // tasks that can't be repeated, and why
	Unsorted bool              `json:"unordered,omitempty"`
	NotRun   bool              `json:"not_run,omitempty"`
	receipt.Comparison
}

// verify does all of `graflow-wasm verify`.
func verify(ctx context.Context, std streams, file string, o verifyOptions) error {
	if err := o.check(); err != nil {
		return err
	}
	raw, err := readAtMost(file, receipt.MaxBytes+1)
	if errors.Is(err, fs.ErrNotExist) {
		return usagef("verify %s: no such file", file)
	}
	if err != nil {
		return usagef("verify %s: %w", file, err)
	}
	trusted, err := trustedReceiptKeys(o.keys)
	if err != nil {
		return err
	}
	v := &verification{Receipt: file, Comparison: receipt.Comparison{Differences: []receipt.Difference{}}}
	s, signer, err := receipt.Open(raw, trusted)
	if signer != nil {
		v.Signer = receipt.KeyID(signer)
	}
	if err == nil {
		ctx, signals := canceling(ctx, std.err)
		defer signals.Stop()
		err = o.verify(ctx, std.in, &s.Predicate, v)
		if err != nil && signals.Hit() != "" {
			return &exitError{Code: exitCanceled, Err: fmt.Errorf("verify %s: canceled", file)}
		}
	}
	return v.conclude(std, o, err)
}

// verify checks a receipt whose signature is good.
func (o *verifyOptions) verify(ctx context.Context, in io.Reader, p *receipt.Predicate, v *verification) error {
	v.Run, v.Flow, v.Digest, v.Status, v.Ended, v.Made = p.Run, p.Flow.Name, p.Flow.Digest, p.Status, p.Ended, &p.Made
	v.Outside = map[string]string{}
	for _, t := range p.Tasks {
		if !t.Reproducible {
			v.Outside[t.ID] = t.Why
		}
	}
	c := &verifying{o: o, p: p, v: v, code: codeByDigest{}, in: in}
	if err := c.materials(ctx); err != nil {
		return err
	}
	if len(v.Differences) > 0 {
		v.Verdict, v.NotRun = verdictDiffers, true
		return nil
	}
	if o.noRun || c.graph == nil || len(v.Missing) > 0 {
		v.Verdict, v.NotRun = verdictUnverified, true
		return nil
	}
	if o.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, o.timeout, errVerifyTimeout)
		defer cancel()
	}
	err := c.repeat(ctx)
	if cause := context.Cause(ctx); errors.Is(cause, errVerifyTimeout) {
		return &exitError{Code: exitLimit, Err: fmt.Errorf("%w of %s: the run is not over yet", cause, o.timeout)}
	}
	return err
}

var errVerifyTimeout = errors.New("--timeout")
