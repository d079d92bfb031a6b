// Command 13-llm-code runs code that nobody has read: thirty snippets as a language
// model writes them, which have to come to the right answer, and fifteen hostile ones,
// which must not get anywhere. It prints how each of them ended.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"text/tabwriter"

	"github.com/graflow/graflow-wasm/script"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, ".", script.Config{}, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run runs all cases below dir in one sandbox and writes a table of them. It fails if
// one ended as it must not.
func run(ctx context.Context, dir string, config script.Config, out io.Writer) (err error) {
	cases, err := load(os.DirFS(dir))
	if err != nil {
		return err
	}
	sandbox, err := script.New(config) //nolint:contextcheck // it outlives what begins it
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sandbox.Close(context.WithoutCancel(ctx))) }()
	for _, l := range script.Languages() {
		if err := sandbox.Prepare(ctx, l); err != nil {
			return err
		}
	}
	var faults []error
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, c := range cases {
		e := execute(ctx, sandbox, c)
		fault := errors.Join(c.check(e), probe(ctx, sandbox))
		verdict := "ok"
		if fault != nil {
			verdict = "WRONG"
			faults = append(faults, fmt.Errorf("%s: %w", c.name(), fault))
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", verdict, c.name(), e.milliseconds(), e.brief())
	}
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(out, "%d of %d runs ended as they must\n", len(cases)-len(faults), len(cases))
	return errors.Join(faults...)
}
