// Command soak runs flows on a cluster of processes that are killed, suspended and
// restarted at random, and checks that nothing was lost or done twice.
//
// It ends with 1 when something was found, with 2 when the soak could not be made.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/graflow/graflow-wasm/internal/soak"
	"github.com/graflow/graflow-wasm/wasmhost"
)

func main() {
	wasmhost.Child()
	if len(os.Args) == 3 && os.Args[1] == "child" {
		if err := soak.Child(os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(run())
}

func run() int {
	cfg := soak.Config{}
	seconds := flag.Int("seconds", 600, "how long runs are submitted and faults work")
	flag.Uint64Var(&cfg.Seed, "seed", uint64(time.Now().UnixNano()%1_000_000), "of the schedule")
	flag.Float64Var(&cfg.Rate, "rate", 15, "runs a second")
	flag.IntVar(&cfg.Servers, "servers", 3, "1 or 3")
	flag.IntVar(&cfg.Workers, "workers", 3, "how many")
	flag.IntVar(&cfg.Concurrency, "concurrency", 8, "attempts at a time in a worker")
	flag.DurationVar(&cfg.Lease, "lease", 10*time.Second, "of deliveries")
	flag.DurationVar(&cfg.Archive, "archive", 20*time.Second, "archive runs that long after their end; -1s is never")
	flag.DurationVar(&cfg.Settle, "settle", 90*time.Second, "time that all has to end in once faults are over")
	on := flag.String("faults", "all", "what they work on: all, processes, workers, servers, network, cells, none")
	flag.StringVar(&cfg.JSON, "json", "", "file for the report as JSON")
	flag.StringVar(&cfg.Dir, "dir", "", "keep everything there")
	flag.BoolVar(&cfg.Verbose, "v", false, "tell each fault")
	flag.Parse()
	cfg.Duration = time.Duration(*seconds) * time.Second
	all := *on == "all"
	cfg.OnWorkers = all || *on == "processes" || *on == "workers"
	cfg.OnServers = all || *on == "processes" || *on == "servers"
	cfg.OnCells = all || *on == "cells"
	cfg.OnNetwork = all || *on == "network"

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	found, err := soak.Run(ctx, cfg, os.Stdout)
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "soak:", err)
		return 2
	case len(found) > 0:
		return 1
	}
	return 0
}
