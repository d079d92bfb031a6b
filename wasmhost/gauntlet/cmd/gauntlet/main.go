// The gauntlet attacks a WebAssembly host. It writes its modules for any host,
// or runs them against our own.
//
//	gauntlet write DIR           modules and manifest.json
//	gauntlet run [PATTERN]       a line for each case whose name matches
//	gauntlet isolated [PATTERN]  likewise, with each guest in a cell
//	gauntlet list                names and attacks
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"strings"

	"github.com/graflow/graflow-wasm/wasmhost/gauntlet"
	"github.com/graflow/graflow-wasm/wasmhost/gauntlet/runner"
)

const usage = "usage: gauntlet write DIR | run [PATTERN] | isolated [PATTERN] | list"

func main() {
	runner.Child()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := command(ctx, os.Stdout, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		stop()
		os.Exit(1)
	}
}

func command(ctx context.Context, out io.Writer, args []string) error {
	switch {
	case len(args) == 2 && args[0] == "write":
		return gauntlet.Write(args[1])
	case len(args) >= 1 && len(args) <= 2 && (args[0] == "run" || args[0] == "isolated"):
		return run(ctx, out, append(args, "")[1], args[0] == "isolated")
	case len(args) == 1 && args[0] == "list":
		for _, c := range gauntlet.Cases() {
			fmt.Fprintf(out, "%s: a naive host %s\n", c.Name, c.Attack)
		}
		return nil
	}
	return fmt.Errorf("%s", usage)
}

// run prints a line for each case; what is wrong is in the error.
func run(ctx context.Context, out io.Writer, pattern string, isolated bool) error {
	matches, err := regexp.Compile(pattern)
	if err != nil {
		return fmt.Errorf("run gauntlet: %w", err)
	}
	total := 0
	var lost []runner.Outcome
	for _, c := range gauntlet.Cases() {
		if !matches.MatchString(c.Name) {
			continue
		}
		outcome, err := runner.Run(ctx, c, isolated)
		if err != nil {
			return err
		}
		fmt.Fprintln(out, outcome.Line())
		total++
		if !outcome.Won() {
			lost = append(lost, outcome)
		}
	}
	fmt.Fprintf(out, "%d cases, %d lost\n", total, len(lost))
	switch {
	case total == 0:
		return fmt.Errorf("run gauntlet: no case matches %q", pattern)
	case len(lost) > 0:
		return fmt.Errorf("run gauntlet: %d of %d cases are lost:\n%s", len(lost), total, losses(lost))
	}
	return nil
}

// losses says of each lost case what is wrong: last of all, and with the error, since
// of a long table the end is what is kept.
func losses(lost []runner.Outcome) string {
	var lines []string
	for _, o := range lost {
		lines = append(lines, o.Line())
		for _, wrong := range o.Wrong {
			lines = append(lines, "     "+wrong)
		}
	}
	return strings.Join(lines, "\n")
}
