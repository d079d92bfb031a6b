package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// generated are commands that cobra adds, of which the page tells as a whole.
var generated = regexp.MustCompile(`^(completion .*|help)$`)

// TestPageOfCommands wants docs/command-line.md to have each command, and no flag that
// there is not. All flags are in docs/reference.md, which is made of what commands say.
func TestPageOfCommands(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../../docs/command-line.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(raw)
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		name := strings.TrimPrefix(cmd.CommandPath(), "graflow-wasm ")
		if !cmd.Hidden && !generated.MatchString(name) && cmd.HasParent() && !namesCommand(page, name) {
			t.Errorf("docs/command-line.md does not name the command %q", name)
		}
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
	}
	walk(newRoot(streams{}))
	known := map[string]bool{"help": true, "lang": true, "no-descriptions": true} // the second is another name of --language
	var learn func(*cobra.Command)
	learn = func(cmd *cobra.Command) {
		cmd.Flags().VisitAll(func(f *pflag.Flag) { known[f.Name] = true })
		cmd.PersistentFlags().VisitAll(func(f *pflag.Flag) { known[f.Name] = true })
		for _, sub := range cmd.Commands() {
			learn(sub)
		}
	}
	learn(newRoot(streams{}))
	for _, m := range regexp.MustCompile("[ `]--([a-z][a-z-]*)").FindAllStringSubmatch(page, -1) {
		if !known[m[1]] {
			t.Errorf("docs/command-line.md tells of --%s, which no command has", m[1])
		}
	}
}

// namesCommand tells whether a page names a command: in code, alone or as one of several
// as in `runs ls\|show`.
func namesCommand(page, name string) bool {
	parent, last := "", name
	if i := strings.LastIndexByte(name, ' '); i >= 0 {
		parent, last = name[:i]+" ", name[i+1:]
	}
	either := regexp.MustCompile("`" + regexp.QuoteMeta(parent) + `([a-z]+\\\|)*` + regexp.QuoteMeta(last) + "[ `\\\\]")
	return either.MatchString(page)
}
