package main

import (
	"context"
	"embed"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/graflow/graflow-wasm/internal/term"
	"github.com/spf13/cobra"
)

//go:embed help/*.txt
var helpTexts embed.FS

// helpTopic is something that `help` explains by example. The commands in its text are
// indented by four spaces, and are run by a test.
type helpTopic struct {
	name  string
	title string // its first line
	text  string // what follows
}

// tour is the topic of `help` without one.
const tour = "tour"

// helpOrder is in which order topics are listed.
var helpOrder = []string{"flows", "untrusted", "limits", "pauses", "runs", "modules", "secrets", "cluster", "schedules", "output", "exit-codes", "environment"}

// helpTopics are all topics, the tour first.
func helpTopics() []helpTopic {
	var all []helpTopic
	for _, name := range append([]string{tour}, helpOrder...) {
		raw, err := helpTexts.ReadFile("help/" + name + ".txt")
		if err != nil {
			panic(err) // the program was built without it
		}
		title, text, _ := strings.Cut(string(raw), "\n\n")
		all = append(all, helpTopic{name, title, text})
	}
	return all
}

func newHelp(std streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "help [TOPIC | COMMAND…]",
		Short: "Explain a topic or a command, by example",
		Long: `Help without a topic is a short tour. Each topic is explained by commands that can be
typed as they are:

` + topicList(),
		Example: `  graflow-wasm help
  graflow-wasm help pauses
  graflow-wasm help runs retry`,
		ValidArgsFunction: byShell(namesOf(func(_ context.Context, cmd *cobra.Command, args []string) (all []candidate) {
			if len(args) > 0 {
				return nil
			}
			for _, t := range helpTopics() {
				all = append(all, candidate{t.name, t.title})
			}
			for _, c := range cmd.Root().Commands() {
				if c.IsAvailableCommand() {
					all = append(all, candidate{c.Name(), c.Short})
				}
			}
			return all
		})),
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return help(std, cmd.Root(), args) }
	return cmd
}

// topicList is a line for each topic but the tour.
func topicList() string {
	var b strings.Builder
	for _, t := range helpTopics()[1:] {
		fmt.Fprintf(&b, "  %-12s %s\n", t.name, t.title)
	}
	return strings.TrimRight(b.String(), "\n")
}

// help explains what args name: a topic, else a command.
func help(std streams, root *cobra.Command, args []string) error {
	if len(args) == 0 {
		args = []string{tour}
	}
	for _, t := range helpTopics() {
		if len(args) == 1 && t.name == args[0] {
			return writeTopic(std.output(), root, t)
		}
	}
	if found, rest, err := root.Find(args); err == nil && found != root && len(rest) == 0 {
		return found.Help()
	}
	text := fmt.Sprintf("help: there is no topic or command %q", strings.Join(args, " "))
	if near := nearTopics(root, args[0]); len(near) > 0 {
		text += "; did you mean " + strings.Join(near, " or ") + "?"
	}
	return usagef("%s\nTopics: %s\nCommands: graflow-wasm --help", text, strings.Join(helpOrder, ", "))
}

// nearTopics are topics and commands whose names are much like one.
func nearTopics(root *cobra.Command, name string) []string {
	// What cobra knows of commands it is told of topics, too.
	topics := &cobra.Command{SuggestionsMinimumDistance: 2}
	for _, t := range helpTopics() {
		topics.AddCommand(&cobra.Command{Use: t.name, Run: func(*cobra.Command, []string) {}})
	}
	near := append(topics.SuggestionsFor(name), root.SuggestionsFor(name)...)
	slices.Sort(near)
	return slices.Compact(near)
}

var helpCommand = regexp.MustCompile(`(?m)^    [^\n]*$`)

// writeTopic prints a topic; on a terminal its commands stand out.
func writeTopic(out *term.Output, root *cobra.Command, t helpTopic) error {
	text := helpCommand.ReplaceAllStringFunc(t.text, func(line string) string {
		look := term.Busy
		if strings.HasPrefix(line, "    # ") {
			look = term.Faint
		}
		return "    " + out.Paint(look, line[4:])
	})
	if t.name == tour {
		text += "\nMore by example, with graflow-wasm help TOPIC:\n\n" + topicList() + "\n\nAll commands: graflow-wasm --help. One of them: graflow-wasm help run.\n"
	}
	if slices.ContainsFunc(root.Commands(), func(c *cobra.Command) bool { return c.Name() == t.name }) {
		text += "\nAll of the command of that name: graflow-wasm " + t.name + " --help.\n"
	}
	_, err := fmt.Fprintf(out, "%s\n\n%s", out.Paint(term.Strong, t.title), text)
	return err
}

// commandGroups are the sections of the commands in the root's help.
var commandGroups = []struct {
	id, title string
	commands  []string
}{
	{"flows", "Flows and code:", []string{"run", "exec", "validate", "test", "verify", "graph", "flows", "new", "schema"}},
	{"runs", "Runs and clusters:", []string{"runs", "top", "server", "worker", "workers", "queues", "dead", "schedules", "doctor"}},
	{"others", "Modules, secrets and the rest:", []string{"module", "policy", "secrets", "mcp", "help", "completion", "man", "version"}},
}

// groupCommands puts the commands into their sections. One that is in none is listed
// after them.
func groupCommands(root *cobra.Command) {
	for _, g := range commandGroups {
		root.AddGroup(&cobra.Group{ID: g.id, Title: g.title})
		for _, cmd := range root.Commands() {
			if slices.Contains(g.commands, cmd.Name()) {
				cmd.GroupID = g.id
			}
		}
	}
	last := commandGroups[len(commandGroups)-1].id
	root.SetHelpCommandGroupID(last)
	root.SetCompletionCommandGroupID(last)
}

// wrapped breaks a text of words into lines of at most width columns.
func wrapped(text string, width int) string {
	var b strings.Builder
	column := 0
	for i, word := range strings.Fields(text) {
		switch n := term.Width(word); {
		case i > 0 && column+1+n > width:
			b.WriteString("\n")
			column = n
		case i > 0:
			b.WriteString(" ")
			column += 1 + n
		default:
			column = n
		}
		b.WriteString(word)
	}
	return b.String()
}
