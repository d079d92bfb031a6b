// Command peers lets ours and others do the same work, in rounds, and keeps what it
// measured as text: sandboxes beside wazero, Extism and wasmtime-go, queues and flows
// beside asynq, River, JetStream and Temporal. Command report makes pages of it.
//
//	go run ./cmd/peers -results results/peers    # all, less than ten minutes
//	go run ./cmd/peers -quick                    # a minute; its figures mean nothing
//	go run ./cmd/peers -only sandbox
//
// It starts all servers itself, on loopback and in temporary directories, and ends
// them. Redis and PostgreSQL have to be installed (on Debian, apt-get install
// redis-server postgresql), and for a guest in C clang-19. Who isn't there is told in
// the records. Run it on a machine that does nothing else.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/graflow/graflow-wasm/wasmhost"
)

func main() {
	wasmhost.Child()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

// parts that -only may name, in their order.
var parts = []string{"sandbox", "queue", "temporal"}

func run(ctx context.Context, args []string, log io.Writer) error {
	flags := flag.NewFlagSet("peers", flag.ContinueOnError)
	flags.SetOutput(log)
	p := plan{command: "make bench-peers", log: log}
	flags.BoolVar(&p.quick, "quick", false, "only show that everything runs")
	flags.StringVar(&p.results, "results", "", "keep the records in this `directory`; \"\": nowhere")
	flags.StringVar(&p.temporal, "temporal", "", "the `program` that measures Temporal; \"\": it is told to be missing")
	flags.StringVar(&p.why, "temporal-missing", "it was not built", "why there is none")
	flags.IntVar(&p.rounds, "rounds", 0, "how many `rounds` of the queues; 0: 3, or 1 if quick")
	only := flags.String("only", "", "the parts to run, of "+strings.Join(parts, ","))
	if err := flags.Parse(args); err != nil {
		return err
	}
	p.only = parts
	if *only != "" {
		p.only = strings.Split(*only, ",")
	}
	for _, name := range p.only {
		if !slices.Contains(parts, name) {
			return fmt.Errorf("no part %q, there are: %s", name, strings.Join(parts, ", "))
		}
	}
	if p.quick {
		p.command = "peers -quick" // so that nobody takes its figures for some
	}
	p.began = time.Now()
	return p.run(ctx)
}

// plan is what to measure.
type plan struct {
	command, results string
	temporal, why    string
	quick            bool
	rounds           int
	only             []string
	log              io.Writer
	began            time.Time
}

func (p *plan) run(ctx context.Context) (err error) {
	keep, err := newFiles(ctx, p.results, p.command)
	if err != nil {
		return err
	}
	if slices.Contains(p.only, "sandbox") {
		err = p.sandbox(ctx, keep)
	}
	if slices.Contains(p.only, "queue") || slices.Contains(p.only, "temporal") {
		err = errors.Join(err, p.queues(ctx, keep))
	}
	if ctx.Err() == nil { // else the records of the last run stay as they are
		err = errors.Join(err, keep.done())
	}
	p.tell("done")
	return err
}

// tell says what goes on, and since when.
func (p *plan) tell(what string) {
	fmt.Fprintf(p.log, "%4.0f s  %s\n", time.Since(p.began).Seconds(), what)
}
