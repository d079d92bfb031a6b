package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func newMan(std streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "man DIR",
		Short: "Write manual pages",
		Long: `Man writes manual pages into DIR, which is made if it is not there: in man1 a page for
each command, in man7 one for each topic of graflow-wasm help.`,
		Example: `  graflow-wasm man ./man && man -M ./man graflow-wasm-run
  graflow-wasm man ~/.local/share/man`,
		Args: arguments(cobra.ExactArgs(1)),
	}
	cmd.ValidArgsFunction = byShell(inTurn(false, directories))
	format := outputFlag(cmd, "text", "json")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		n, err := writeManual(args[0], manualOf(cmd.Root(), thisBuild().Version, manualDate()))
		if err != nil {
			return fmt.Errorf("write manual pages: %w", err)
		}
		if format.value == "json" {
			return writeJSON(std.out, map[string]any{"dir": args[0], "pages": n})
		}
		fmt.Fprintf(std.out, "wrote %s to %s\n", countOf(n, "page", "pages"), args[0])
		return nil
	}
	return cmd
}

// manualDate is when the program was made, as SOURCE_DATE_EPOCH or its build says; else
// today.
func manualDate() time.Time {
	if n, err := strconv.ParseInt(os.Getenv("SOURCE_DATE_EPOCH"), 10, 64); err == nil {
		return time.Unix(n, 0).UTC()
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if at, err := time.Parse(time.RFC3339, s.Value); s.Key == "vcs.time" && err == nil {
				return at.UTC()
			}
		}
	}
	return time.Now().UTC()
}

// manualPage is a page of the manual, as roff.
type manualPage struct {
	name    string // without its section
	section int
	text    string
}

func writeManual(dir string, pages []manualPage) (int, error) {
	for _, p := range pages {
		below := filepath.Join(dir, fmt.Sprintf("man%d", p.section))
		if err := os.MkdirAll(below, 0o755); err != nil { //nolint:gosec // everybody may read them
			return 0, err
		}
		if err := os.WriteFile(filepath.Join(below, fmt.Sprintf("%s.%d", p.name, p.section)), []byte(p.text), 0o644); err != nil { //nolint:gosec // likewise
			return 0, err
		}
	}
	return len(pages), nil
}

// manualOf is a page for each command below root and for each topic.
func manualOf(root *cobra.Command, version string, date time.Time) []manualPage {
	head := func(name string, section int) *roff {
		r := &roff{}
		fmt.Fprintf(&r.b, ".TH %s %d %s", escapeRoff(strings.ToUpper(name)), section, date.Format(time.DateOnly)) // whose hyphens are read as they are
		fmt.Fprintf(&r.b, " \"%s\" \"%s\"\n", escapeRoff(root.Name()+" "+version), escapeRoff("graflow-wasm manual"))
		return r
	}
	var all []manualPage
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		if cmd.Hidden {
			return
		}
		name := pageName(cmd)
		r := head(name, 1)
		r.command(cmd)
		all = append(all, manualPage{name, 1, r.String()})
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
	}
	walk(root)
	for _, t := range helpTopics() {
		name := root.Name() + "-" + t.name
		r := head(name, 7)
		r.section("NAME")
		r.line(name + " - " + t.title)
		r.section("DESCRIPTION")
		r.prose(t.text)
		r.section("SEE ALSO")
		r.references(reference{root.Name(), 1})
		all = append(all, manualPage{name, 7, r.String()})
	}
	return all
}

// pageName is the name of a command's page.
func pageName(cmd *cobra.Command) string { return strings.ReplaceAll(cmd.CommandPath(), " ", "-") }

// command writes all sections of a command.
func (r *roff) command(cmd *cobra.Command) {
	r.section("NAME")
	r.line(pageName(cmd) + " - " + cmd.Short)
	r.section("SYNOPSIS")
	r.line("**" + cmd.CommandPath() + "** " + strings.TrimPrefix(strings.TrimPrefix(cmd.UseLine(), cmd.CommandPath()), " "))
	if text := strings.TrimSpace(cmd.Long); text != "" {
		r.section("DESCRIPTION")
		r.prose(text)
	}
	r.subcommands(cmd)
	r.flags("OPTIONS", cmd.NonInheritedFlags())
	r.flags("GLOBAL OPTIONS", cmd.InheritedFlags())
	if cmd.Example != "" {
		r.section("EXAMPLES")
		r.block(strings.Split(strings.Trim(cmd.Example, "\n"), "\n"))
	}
	r.section("SEE ALSO")
	var refs []reference
	if cmd.HasParent() {
		refs = append(refs, reference{pageName(cmd.Parent()), 1})
	}
	for _, sub := range cmd.Commands() {
		if !sub.Hidden {
			refs = append(refs, reference{pageName(sub), 1})
		}
	}
	if !cmd.HasParent() {
		for _, t := range helpTopics() {
			refs = append(refs, reference{cmd.Name() + "-" + t.name, 7})
		}
	}
	r.references(refs...)
}

func (r *roff) subcommands(cmd *cobra.Command) {
	titled := false
	for _, sub := range cmd.Commands() {
		if sub.Hidden {
			continue
		}
		if !titled {
			r.section("COMMANDS")
			titled = true
		}
		r.macro("TP")
		r.line("**" + sub.Name() + "**" + strings.TrimPrefix(sub.Use, sub.Name()))
		r.line(sub.Short)
	}
}

func (r *roff) flags(title string, flags *pflag.FlagSet) {
	titled := false
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		if !titled {
			r.section(title)
			titled = true
		}
		r.macro("TP")
		kind, usage := pflag.UnquoteUsage(f)
		term := "**--" + f.Name + "**"
		if f.Shorthand != "" {
			term = "**-" + f.Shorthand + "**, " + term
		}
		if kind != "" {
			term += " __" + kind + "__"
		}
		r.line(term)
		if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "0" && f.DefValue != "[]" && f.DefValue != "0s" {
			usage += " (default " + f.DefValue + ")"
		}
		r.line(usage)
	})
}
