package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/graflow/graflow-wasm/bench/internal/queue"
	"github.com/graflow/graflow-wasm/bench/internal/record"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "temporal:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out, log io.Writer) error {
	flags := flag.NewFlagSet("temporal", flag.ContinueOnError)
	flags.SetOutput(log)
	quick := flags.Bool("quick", false, "a short turn")
	round := flags.Int("round", 1, "the `number` of the round that this is part of")
	command := flags.String("command", "go run .", "the `command` that the records tell")
	if err := flags.Parse(args); err != nil {
		return err
	}
	scale := queue.LongTurn
	if *quick {
		scale = queue.ShortTurn
	}
	machine, err := record.Here(ctx, *command, os.TempDir())
	if err != nil {
		return err
	}
	w := record.Writer{To: out}
	if err := w.Write(record.Line{Machine: &machine}); err != nil {
		return err
	}
	var failed error
	for _, p := range peers {
		measured, err := queue.Turn(ctx, p, scale, *round)
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s, %s: %w", p.Settings, p.Config, err))
			err = w.Write(record.Line{Missing: &record.Missing{Part: queue.Part, Who: p.Name, Class: string(p.Class), Why: err.Error()}})
		}
		for i := range measured {
			err = errors.Join(err, w.Write(record.Line{Measured: &measured[i]}))
		}
		if err != nil {
			return errors.Join(failed, err)
		}
	}
	return failed
}
