package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/graflow/graflow-wasm/runtimes"
	"github.com/spf13/cobra"
)

// Statuses of what doctor finds, beside the note of docker.StatusNote.
const (
	findingOK      = "ok"
	findingWarning = "warning" // it works, and may not for long
	findingWrong   = "wrong"   // something does not work
)

// finding is what doctor found out about one thing.
type finding struct {
	Check  string `json:"check"`
	Status string `json:"status"`
	Text   string `json:"text"`
	Do     string `json:"do,omitempty"` // what to do about it
}

// findings are all that was found.
type findings struct {
	all         []finding
	unreachable bool // the cluster is
}

func (f *findings) ok(check, format string, args ...any) {
	f.all = append(f.all, finding{Check: check, Status: findingOK, Text: fmt.Sprintf(format, args...)})
}

func (f *findings) warn(check, do, format string, args ...any) {
	f.all = append(f.all, finding{Check: check, Status: findingWarning, Text: fmt.Sprintf(format, args...), Do: do})
}

func (f *findings) wrong(check, do, format string, args ...any) {
	f.all = append(f.all, finding{Check: check, Status: findingWrong, Text: fmt.Sprintf(format, args...), Do: do})
}

// err is how the command ends.
func (f *findings) err() error {
	n := 0
	for _, one := range f.all {
		if one.Status == findingWrong {
			n++
		}
	}
	switch {
	case f.unreachable:
		return &exitError{Code: exitUnreachable, Err: fmt.Errorf("doctor: the cluster can't be examined")}
	case n > 0:
		return &exitError{Code: exitFailed, Err: fmt.Errorf("doctor: %s", countOf(n, "thing is wrong", "things are wrong"))}
	}
	return nil
}

func newDoctor(std streams) *cobra.Command {
	var where clusterFlags
	var cacheDir string
	var containers dockerFlags
	var bounds policyFlags
	replicas := 0
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Examine the installation, and a cluster",
		Long: `Doctor tells what works and what does not, and what to do about it: of this
installation, its interpreters and the Docker daemon, and with --nats of a cluster: whether it answers and how fast, its
streams, its workers, queues that no worker takes, dead letters, clocks. Credentials
of the role viewer suffice. With --server it tells what a server says of that, of which
version it is, and as whom it knows you.

Exit codes: 0 all is well, or there are warnings, 1 something is wrong, 2 bad usage,
6 the cluster does not answer.`,
		Example: `  graflow-wasm doctor
  graflow-wasm doctor --nats ./srv
  graflow-wasm doctor --server https://host:7070 --token-file viewer.token
  graflow-wasm doctor --nats nats://10.0.0.5:4222 --nkey viewer.nk -o json | jq 'select(.status != "ok")'
  graflow-wasm doctor roles worker`,
		Args: subcommandOnly,
	}
	cmd.SuggestionsMinimumDistance = 2
	where.addAllTo(cmd.PersistentFlags(), "examine the cluster at `URL` too, or of the server in a directory", "examine the server at `URL` too, as https://host:7070, or in a directory")
	format := outputFlag(cmd, "text", "json")
	cmd.Flags().StringVar(&cacheDir, "cache-dir", "", "where compiled modules are kept (default: graflow-wasm in the user's cache directory)")
	cmd.Flags().IntVar(&replicas, "replicas", 0, "how many servers each thing is to be stored by (default: that is not looked at)")
	bounds.addTo(cmd.Flags(), boundsOfNode)
	containers.addTo(cmd.Flags(), policyOfOperator)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := checkReplicas(replicas); err != nil {
			return err
		}
		if err := containers.read(); err != nil {
			return err
		}
		var f findings
		f.installation(cmd.Context(), cacheDir)
		f.policy(&bounds, &containers)
		f.runtimes(runtimes.Open)
		within(cmd.Context(), func(ctx context.Context) { f.containers(ctx, &containers) })
		if err := f.place(cmd.Context(), &where, replicas); err != nil {
			return err
		}
		if err := writeFindings(std.out, f.all, format.value); err != nil {
			return err
		}
		return f.err()
	}
	cmd.AddCommand(newDoctorRoles(std, &where))
	return cmd
}

// installation looks at what every command needs.
func (f *findings) installation(ctx context.Context, cacheDir string) {
	b := thisBuild()
	f.ok("version", "graflow-wasm %s (%s, %s)", b.Version, b.Go, b.Platform)
	host, dir, err := newHost(ctx, cacheDir)
	if err != nil {
		f.wrong("cache", "make it writable, or name another directory with --cache-dir", "%s", err)
		return
	}
	if err := host.Close(ctx); err != nil {
		f.wrong("cache", "", "%s: %s", dir, err)
		return
	}
	if err := tryWrite(dir); err != nil {
		f.wrong("cache", "make it writable, or name another directory with --cache-dir", "compiled modules can't be kept: %s", err)
		return
	}
	f.ok("cache", "compiled modules are kept in %s", dir)
}

func writeFindings(w io.Writer, all []finding, format string) error {
	if format == "json" {
		return writeJSONLines(w, all)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, one := range all {
		fmt.Fprintf(t, "%s\t%s\t%s\n", one.Status, one.Check, oneLine(one.Text))
		if one.Do != "" {
			fmt.Fprintf(t, "\t\tdo: %s\n", oneLine(one.Do))
		}
	}
	return t.Flush()
}
