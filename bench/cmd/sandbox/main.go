// Command sandbox measures our sandbox side by side with stock wazero, the
// Extism Go SDK and wasmtime-go, and prints Markdown tables.
//
//	go run ./cmd/sandbox            # all cases, half an hour
//	go run ./cmd/sandbox -quick     # three minutes, coarse
//	go run ./cmd/sandbox -only sum,cpu
//
// It builds its guests with the Go toolchain and, where there is one, clang-19.
// Run it on a machine that does nothing else, and trust ratios before times.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"

	"github.com/graflow/graflow-wasm/bench/internal/cases"
	"github.com/graflow/graflow-wasm/bench/internal/guest"
	"github.com/graflow/graflow-wasm/wasmhost"
)

func main() {
	wasmhost.Child()
	cases.Child()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "sandbox:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("sandbox", flag.ContinueOnError)
	quick := flags.Bool("quick", false, "measure for three minutes only")
	only := flags.String("only", "", "the cases to run, by `names`: "+names())
	results := flags.String("results", "", "keep what the tables are made of in this `directory`")
	profile := flags.String("profile", "", "instead, profile our host with the Go guest into this `directory`")
	if err := flags.Parse(args); err != nil {
		return err
	}
	scale := cases.Full
	if *quick {
		scale = cases.Quick
	}
	dir, err := os.MkdirTemp("", "sandbox-bench")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }() // a temporary one
	b := &cases.Bench{Scale: scale, Guests: guest.Builder{Dir: dir}, Out: out, Results: *results}
	if *profile != "" {
		return b.Profile(ctx, *profile)
	}
	return measure(ctx, b, *only)
}

func measure(ctx context.Context, b *cases.Bench, only string) error {
	chosen, err := choose(only)
	if err != nil {
		return err
	}
	fmt.Fprintf(b.Out, "%s, %s/%s, %d processors\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	var failed error
	for _, c := range chosen {
		failed = errors.Join(failed, b.Run(ctx, c))
	}
	return failed
}

func names() string {
	var all []string
	for _, c := range cases.All {
		all = append(all, c.Name)
	}
	return strings.Join(all, ",")
}

// choose finds cases by their names; "" is all.
func choose(only string) ([]cases.Case, error) {
	if only == "" {
		return cases.All, nil
	}
	var chosen []cases.Case
	for name := range strings.SplitSeq(only, ",") {
		i := slices.IndexFunc(cases.All, func(c cases.Case) bool { return c.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("no case %q, there are: %s", name, names())
		}
		chosen = append(chosen, cases.All[i])
	}
	return chosen, nil
}
