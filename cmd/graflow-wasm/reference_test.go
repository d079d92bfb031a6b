package main

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

const referencePage = "../../docs/reference.md"

var updateReference = flag.Bool("update-reference", false, "write docs/reference.md")

// TestReference wants docs/reference.md to be what the commands say of themselves.
func TestReference(t *testing.T) {
	t.Parallel()
	got := referenceOf(newRoot(streams{}))
	if *updateReference {
		if err := os.WriteFile(referencePage, []byte(got), 0o644); err != nil { //nolint:gosec // everybody may read it
			t.Fatal(err)
		}
	}
	want := text(t, referencePage)
	if got == want {
		return
	}
	is, should := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range min(len(is), len(should)) {
		if is[i] != should[i] {
			t.Fatalf("docs/reference.md is not what the commands say: run make docs\nline %d is  %s\nwould be  %s", i+1, is[i], should[i])
		}
	}
	t.Fatal("docs/reference.md is not what the commands say: run make docs")
}

// referenceOf is the page of all commands below root.
func referenceOf(root *cobra.Command) string {
	var b strings.Builder
	b.WriteString("<!-- Made by make docs of what the commands say of themselves: change it there. -->\n" +
		"# Reference of commands\n\n" +
		"What `graflow-wasm COMMAND --help` says, of all commands. What they are for, in which order,\n" +
		"and what they write, is in [command-line.md](command-line.md).\n\n")
	var walk func(*cobra.Command, func(*cobra.Command))
	walk = func(cmd *cobra.Command, each func(*cobra.Command)) {
		if cmd.Hidden {
			return
		}
		each(cmd)
		for _, sub := range cmd.Commands() {
			walk(sub, each)
		}
	}
	walk(root, func(cmd *cobra.Command) {
		if cmd.HasParent() && !cmd.Parent().HasParent() {
			fmt.Fprintf(&b, "- [`%s`](#%s): %s\n", cmd.Name(), strings.ReplaceAll(cmd.CommandPath(), " ", "-"), cmd.Short)
		}
	})
	walk(root, func(cmd *cobra.Command) { describeCommand(&b, cmd) })
	return b.String()
}

// machines are parts of what commands say that differ between machines.
var machines = regexp.MustCompile(`, here on \d+ CPUs?`)

func describeCommand(b *strings.Builder, cmd *cobra.Command) {
	depth := "##"
	if cmd.HasParent() && cmd.Parent().HasParent() {
		depth = "###"
	}
	fmt.Fprintf(b, "\n%s %s\n\n%s.\n", depth, cmd.CommandPath(), strings.TrimSuffix(cmd.Short, "."))
	block := func(title, text string) {
		if text = strings.Trim(text, "\n"); strings.TrimSpace(text) != "" {
			fmt.Fprintf(b, "\n%s```text\n%s\n```\n", title, machines.ReplaceAllString(text, ""))
		}
	}
	block("", cmd.Long)
	block("Usage:\n\n", cmd.UseLine())
	block("Examples:\n\n", cmd.Example)
	block("Flags:\n\n", cmd.LocalNonPersistentFlags().FlagUsagesWrapped(100))
	block("Flags, also of the commands below it:\n\n", cmd.PersistentFlags().FlagUsagesWrapped(100))
}
