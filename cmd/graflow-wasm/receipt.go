package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"runtime/debug"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/receipt"
	"github.com/graflow/graflow-wasm/wasmhost"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// maxEmbedded bounds what --receipt-embed has a receipt carry, in bytes.
const maxEmbedded = 16 << 20

// receiptFlags say what receipt is written of a run.
type receiptFlags struct {
	file  string // "": none
	key   string
	embed bool

	seed   *uint64 // nil: the graph is run as it is
	bare   bool    // the target is no flow: nobody could give its graph again
	signer ed25519.PrivateKey
}

func (r *receiptFlags) addTo(f *pflag.FlagSet) {
	f.StringVar(&r.file, "receipt", "", "write a signed receipt of the run to a `FILE`: what ran, with what, and what came of it, for `graflow-wasm verify`; tasks get a virtual clock and seeded randomness, see --seed")
	r.addSigning(f)
}

// addSigning adds what says how a receipt is written.
func (r *receiptFlags) addSigning(f *pflag.FlagSet) {
	f.StringVar(&r.key, "receipt-key", "", "sign the receipt with the private key in a `FILE`, as module keygen makes it (default: a key of this installation, made when it is first used)")
	f.BoolVar(&r.embed, "receipt-embed", false, fmt.Sprintf("have the receipt carry the flow, the input, answers, and what tasks have left that can't be repeated, up to %d MiB: whoever verifies it needs only the modules, and can read it all", maxEmbedded>>20))
}

// check reads the key before anything is run. The run's seed is the sandbox's --seed,
// which is the task's own where --random goes with it.
func (r *receiptFlags) check(o *runOptions, w io.Writer) (err error) {
	switch {
	case r.file == "" && (r.key != "" || r.embed):
		return usagef("run: --receipt-key and --receipt-embed say how a receipt is written: give --receipt FILE")
	case r.file == "":
		return nil
	case o.detach:
		return usagef("run: --receipt with --detach: the run is not over when this process leaves it; write its receipt then: graflow-wasm runs receipt RUN")
	}
	if err := r.drawSeed(o); err != nil {
		return err
	}
	r.signer, err = receiptKey(r.key, w)
	return err
}

// drawSeed settles the run's seed. That of a run whose id is given follows from it: the
// same command means the same run then.
func (r *receiptFlags) drawSeed(o *runOptions) error {
	var seed uint64
	flag := o.sandbox.grants.Flags().Lookup("seed")
	switch {
	case flag.Changed && o.sandbox.random == "":
		if seed = o.sandbox.seed; seed > receipt.MaxSeed {
			return usagef("run: --seed %d: a receipt takes one up to %d", seed, uint64(receipt.MaxSeed))
		}
		flag.Changed = false // it is no grant of the task
	case o.id != "":
		sum := sha256.Sum256([]byte("graflow-wasm seed of run\x00" + string(o.id)))
		seed = binary.BigEndian.Uint64(sum[:]) & receipt.MaxSeed
	default:
		var b [8]byte
		_, _ = rand.Read(b[:]) // it never fails
		seed = binary.BigEndian.Uint64(b[:]) & receipt.MaxSeed
	}
	r.seed = &seed
	return nil
}

// seeded is the graph as it is run for the receipt.
func (r *receiptFlags) seeded(t target) (*engine.Graph, error) {
	if r.seed == nil {
		return t.graph, nil
	}
	r.bare = t.flow == nil
	return receipt.Seeded(t.graph, *r.seed)
}

// writeReceipt writes the receipt of a job's run, if one is wanted and the run has
// ended. A failure of the run goes before one of the receipt, which is told then.
func (s *session) writeReceipt(ctx context.Context, std streams, j job, status engine.Status, err error) error {
	r := j.flags.receipt
	if r.file == "" {
		return err
	}
	if status == engine.StatusRunning || status == engine.StatusPaused {
		fmt.Fprintln(std.err, "graflow-wasm: no receipt was written: the run has not ended; once it has: graflow-wasm runs receipt "+shellQuote(j.run)+s.place.argument())
		return err
	}
	lost := r.write(ctx, std, s.runs, j.run)
	if err == nil || lost == nil {
		return errors.Join(err, failed(j.deed, lost)) // one of them at most
	}
	fmt.Fprintln(std.err, "graflow-wasm: "+printable(lost.Error()))
	return err
}

// write writes the receipt of a run that has ended.
func (r *receiptFlags) write(ctx context.Context, std streams, from runs, run string) error {
	raw, err := r.of(ctx, from, run)
	if err == nil && (r.file == "" || r.file == "-") {
		_, err = std.out.Write(raw)
	} else if err == nil {
		err = writeWhole(r.file, raw)
	}
	if errors.Is(err, receipt.ErrTooLarge) {
		err = fmt.Errorf("%w; leave --receipt-embed out, and give flow and input to verify", err)
	}
	return failed("write the receipt of run "+run, err)
}

// of makes the receipt of a run from its journal.
func (r *receiptFlags) of(ctx context.Context, from runs, run string) ([]byte, error) {
	events, err := from.Events(ctx, run)
	if err != nil {
		return nil, err
	}
	if len(events) == 0 {
		return nil, fmt.Errorf("it has no events: %w", engine.ErrNotFound)
	}
	doc, err := from.Export(ctx, run, fmt.Sprintf("#%d", events[len(events)-1].Seq))
	if err != nil {
		return nil, err
	}
	o := receipt.Options{Made: thisSoftware(), Graph: r.bare || r.embed}
	if r.embed {
		o.Embed = maxEmbedded
	}
	statement, err := receipt.Record(doc, o)
	if errors.Is(err, receipt.ErrNotEnded) {
		return nil, usage(err)
	}
	if err != nil {
		return nil, err
	}
	return receipt.Seal(statement, r.signer)
}

// thisSoftware is this program, as a receipt names it.
func thisSoftware() receipt.Software {
	b := thisBuild()
	s := receipt.Software{Name: "graflow-wasm", Version: b.Version, Go: b.Go, Platform: b.Platform, Meter: wasmhost.MeterVersion}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if m.Path == "github.com/tetratelabs/wazero" {
				s.Wazero = m.Version
			}
		}
	}
	return s
}

func newRunsReceipt(std streams, where *placeFlags) *cobra.Command {
	var r receiptFlags
	cmd := &cobra.Command{
		Use:   "receipt RUN",
		Short: "Write a signed receipt of a run that has ended",
		Long: `Receipt writes what run --receipt writes, of a run that is kept: what ran, with what,
and what came of it, by digests, signed. Its tasks can be repeated as far as they had a
virtual clock and seeded randomness, which run --receipt gives them; those of a run that
was begun without are told, and marked.`,
		Example: "  graflow-wasm runs receipt deploy-7 --out deploy-7.receipt",
		Args:    runArguments(cobra.ExactArgs(1)),
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().StringVar(&r.file, "out", "", "the `FILE` to write, whole or not at all; - is stdout, as is the default")
	r.addSigning(cmd.Flags())
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		signer, err := receiptKey(r.key, std.err)
		if err != nil {
			return err
		}
		r.signer = signer
		return withRuns(cmd.Context(), where, "receipt", func(from runs) error {
			return r.write(cmd.Context(), std, from, args[0])
		})
	}
	return cmd
}
