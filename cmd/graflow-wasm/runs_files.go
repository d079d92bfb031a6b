package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"
)

func newRunsFiles(std streams, where *placeFlags) *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "files RUN",
		Short: "List the files that tasks have left, or save them",
		Long: `Files lists the files that the tasks of a run have left with it, as those of
containers with files_out, in the order in which the tasks ended. With --save they are
saved as DIR/TASK/NAME, or DIR/ACTIVATION/NAME where a task has left two of one name.`,
		Example: `  graflow-wasm runs files deploy-7
  graflow-wasm runs files deploy-7 --save ./files -o json | jq -r .saved`,
		Args: runArguments(cobra.ExactArgs(1)),
	}
	format := outputFlag(cmd, "text", "json")
	cmd.Flags().StringVar(&dir, "save", "", "save them below a `DIR`, made if it is not there")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := checkFilesDir("--save", dir); dir != "" && err != nil {
			return err
		}
		return withRuns(cmd.Context(), where, "files of run", func(r runs) error {
			files, err := runFiles(cmd.Context(), r, args[0], dir)
			if files == nil && err != nil {
				return err
			}
			if writeErr := writeFiles(std.out, files, format.value); writeErr != nil {
				return writeErr
			}
			return err
		})
	}
	return cmd
}

// runFiles are the files of a run, saved if a directory is named. If there are files
// beside an error, it is of some of them.
func runFiles(ctx context.Context, r runs, run, dir string) ([]keptFile, error) {
	story, err := r.Show(ctx, run)
	if err != nil {
		return nil, err
	}
	if dir == "" {
		return filesOf(story.Files), nil
	}
	return saveFiles(ctx, r, run, dir, story.Files)
}

func writeFiles(w io.Writer, files []keptFile, format string) error {
	if format == "json" {
		return writeJSONLines(w, files)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, f := range files {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s", f.Activation, oneLine(f.Name), sizeText(uint64(max(f.Size, 0))), f.Digest)
		if f.Saved != "" {
			fmt.Fprintf(t, "\t%s", oneLine(f.Saved))
		}
		fmt.Fprintln(t)
	}
	return t.Flush()
}
