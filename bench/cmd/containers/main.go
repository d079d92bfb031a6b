// Command containers measures what isolation costs: one program that does nothing,
// as a task in a container, beside docker run of the same image, in a sandbox and as
// a function, and prints a Markdown table.
//
//	go run ./cmd/containers                # two minutes
//	go run ./cmd/containers -rounds 2      # coarse
//
// It needs a Docker daemon and the docker command. Trust ratios before times.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"time"

	"github.com/graflow/graflow-wasm/bench/internal/measure"
	"github.com/graflow/graflow-wasm/handlers/docker/inside"
	"github.com/graflow/graflow-wasm/wasmhost"
)

func main() {
	wasmhost.Child()
	inside.Child()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "containers:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) (err error) {
	flags := flag.NewFlagSet("containers", flag.ContinueOnError)
	rounds := flags.Int("rounds", 10, "how often each has its turn")
	turn := flags.Duration("turn", time.Second, "how long a turn is, at least")
	results := flags.String("results", "", "keep the table in this `directory`")
	if err := flags.Parse(args); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "containers-bench")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	image, err := makeImage(ctx, dir)
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, exec.CommandContext(context.WithoutCancel(ctx), "docker", "rmi", image).Run())
	}()
	ours, err := newTasks(ctx, dir, image)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ours.close()) }()
	plan := measure.Plan{Rounds: *rounds, Turn: *turn, Least: 3, Workers: 1}
	measured, err := measure.Rounds(ctx, plan, contenders(dir, image, ours))
	if err != nil {
		return err
	}
	text := fmt.Sprintf("%s, %s/%s, %d processors, Docker %s\n\n%s", runtime.Version(), runtime.GOOS, runtime.GOARCH,
		runtime.NumCPU(), version(ctx), table(measured))
	if *results != "" {
		err = os.WriteFile(filepath.Join(*results, "containers.md"), []byte(text), 0o644)
	}
	_, printed := fmt.Fprint(out, text)
	return errors.Join(err, printed)
}

// contenders are the ways to run the program; the first is what the others are
// compared with.
func contenders(dir, image string, ours *tasks) []measure.Contender {
	all := []measure.Contender{
		command("docker run --rm", "docker", "run", "--rm", image),
		command("docker run --rm, hardened as ours", append(append([]string{"docker", "run", "--rm"}, hardened...), image)...),
	}
	for _, name := range ours.names {
		all = append(all, measure.Contender{Name: name, Worker: func(context.Context) (func(context.Context) error, error) {
			return func(ctx context.Context) error { return ours.run(ctx, name) }, nil
		}})
	}
	return append(all, command("a process (exec), without any wall", filepath.Join(dir, "noop")))
}

// hardened are the flags with which docker run makes what we make by default.
var hardened = []string{
	"--network", "none", "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--user", "65534:65534",
	"--pids-limit", "256", "--memory", "512m", "--memory-swap", "512m", "--cpus", "1", "--tmpfs", "/tmp:size=64m", "--log-driver", "none",
}

func command(name string, line ...string) measure.Contender {
	return measure.Contender{Name: name, Worker: func(context.Context) (func(context.Context) error, error) {
		return func(ctx context.Context) error {
			return exec.CommandContext(ctx, line[0], line[1:]...).Run() //nolint:gosec // of this program's own choosing
		}, nil
	}}
}

func table(all []measure.Result) measure.Table {
	t := measure.Table{{"a program that does nothing, as", "p50", "p99", "to docker run", "tasks", "drift"}}
	base := all[0].All().Median()
	for _, r := range all {
		times := r.All()
		t.Add(r.Name, times.Median(), times.Percentile(99), measure.Ratio(times.Median(), base), len(times), fmt.Sprintf("%.0f %%", 100*r.Drift()))
	}
	return t
}

func version(ctx context.Context) string {
	text, err := exec.CommandContext(ctx, "docker", "version", "-f", "{{.Server.Version}}").Output()
	if err != nil {
		return "of an unknown version"
	}
	return string(text[:len(text)-1])
}
