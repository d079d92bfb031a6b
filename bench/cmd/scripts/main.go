// Command scripts measures source code that nobody trusts: from its text to its value,
// each time in a pristine sandbox, beside the same languages without any wall, in a
// container, and as others compile them to WebAssembly. It prints Markdown tables.
//
//	go run ./cmd/scripts                # three minutes
//	go run ./cmd/scripts -rounds 1      # coarse
//	go run ./cmd/scripts -only hello,tools
//
// It needs python3 and node; a Docker daemon and the prebuilt Python of
// runtimes/build.sh, if they are there, are measured as well. Trust ratios before
// times.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/bench/internal/measure"
	"github.com/graflow/graflow-wasm/script"
	"github.com/graflow/graflow-wasm/wasmhost"
)

func main() {
	wasmhost.Child()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "scripts:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) (err error) {
	flags := flag.NewFlagSet("scripts", flag.ContinueOnError)
	rounds := flags.Int("rounds", 10, "how often each has its turn")
	turn := flags.Duration("turn", time.Second, "how long a turn is, at least")
	sessions := flags.Int("sessions", 1000, "how many sessions are alive at once")
	only := flags.String("only", "", "measure these `parts` alone: hello, compute, tools, sessions, with commas between")
	results := flags.String("results", "", "keep the tables in this `directory`")
	if err := flags.Parse(args); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "scripts-bench")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	ours, err := script.New(script.Config{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ours.Close(context.WithoutCancel(ctx))) }()
	b := &bench{ours: ours, dir: dir, plan: measure.Plan{Rounds: *rounds, Turn: *turn, Least: 3, Workers: 1}}
	defer b.close(ctx)
	text := fmt.Sprintf("%s, %s/%s, %d processors\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	for _, part := range []struct {
		name    string
		measure func(context.Context) (string, error)
	}{
		{"hello", b.hello},
		{"compute", b.compute},
		{"tools", b.tools},
		{"sessions", func(ctx context.Context) (string, error) { return b.sessions(ctx, *sessions) }},
	} {
		if *only != "" && !slices.Contains(strings.Split(*only, ","), part.name) {
			continue
		}
		table, err := part.measure(ctx)
		if err != nil {
			return err
		}
		text += "\n" + table
	}
	if *results != "" {
		err = os.WriteFile(filepath.Join(*results, "scripts.md"), []byte(text), 0o644)
	}
	_, printed := fmt.Fprint(out, text)
	return errors.Join(err, printed)
}

// bench is what all parts share.
type bench struct {
	ours  *script.Sandbox
	dir   string
	plan  measure.Plan
	left  []func() error // to be called at the end
	notes []string       // what could not be measured
}

func (b *bench) close(context.Context) {
	for _, end := range b.left {
		if err := end(); err != nil {
			fmt.Fprintln(os.Stderr, "scripts:", err)
		}
	}
}
