// Command queue measures task queues side by side, with a job that does nothing:
// asynq on Redis, River on PostgreSQL, JetStream as it is, and ours. It prints
// plain tables, one for each class of durability.
//
//	go run ./cmd/queue -results results   # all, eight minutes
//	go run ./cmd/queue -quick             # one round, two minutes, coarse
//	go run ./cmd/queue -only river,asynq
//
// It starts the servers itself, on loopback and in temporary directories, and ends
// them. They have to be installed: on Debian, apt-get install redis-server
// postgresql. Who isn't there is skipped, and the output says so. Run it on a
// machine that does nothing else, with -dir on the disk that counts, and trust
// ratios before times.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/graflow/graflow-wasm/bench/internal/queue"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "queue:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out, log io.Writer) error {
	flags := flag.NewFlagSet("queue", flag.ContinueOnError)
	flags.SetOutput(log)
	quick := flags.Bool("quick", false, "measure for two minutes only")
	only := flags.String("only", "", "the systems to run, by `names`: "+strings.Join(names(), ","))
	rounds := flags.Int("rounds", 0, "how many `rounds`; 0: as the scale says")
	dir := flags.String("dir", "", "keep the jobs in this `directory`, not in the temporary one")
	results := flags.String("results", "", "keep the tables in this `directory`")
	if err := flags.Parse(args); err != nil {
		return err
	}
	peers, err := choose(*only)
	if err != nil {
		return err
	}
	b := &queue.Bench{Scale: queue.Full, Peers: peers, Dir: *dir, Out: out, Log: log, Results: *results}
	if *quick {
		b.Scale = queue.Quick
	}
	if *rounds > 0 {
		b.Rounds = *rounds
	}
	return b.Run(ctx)
}

// names are those of all systems, each once.
func names() []string {
	var all []string
	for _, p := range queue.Peers() {
		if name := strings.ToLower(p.Name); !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	return all
}

// choose finds peers by their systems' names; "" is all.
func choose(only string) ([]queue.Peer, error) {
	if only == "" {
		return queue.Peers(), nil
	}
	wanted := strings.Split(strings.ToLower(only), ",")
	for _, name := range wanted {
		if !slices.Contains(names(), name) {
			return nil, fmt.Errorf("no system %q, there are: %s", name, strings.Join(names(), ","))
		}
	}
	return slices.DeleteFunc(queue.Peers(), func(p queue.Peer) bool {
		return !slices.Contains(wanted, strings.ToLower(p.Name))
	}), nil
}
