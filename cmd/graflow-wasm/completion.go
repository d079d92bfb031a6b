package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/internal/term"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// completeWithin bounds how long a shell waits for names. Beyond it, and of what can't
// be asked, there are none: nothing is said. Tests of what is told have more.
var completeWithin = typingPause

const typingPause = 250 * time.Millisecond

// completer tells what may stand where a shell completes. args are those before it.
type completer func(ctx context.Context, cmd *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective)

// byShell makes a completer what cobra asks.
func byShell(c completer) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		ctx, cancel := context.WithTimeout(cmd.Context(), completeWithin)
		defer cancel()
		type answer struct {
			names     []cobra.Completion
			directive cobra.ShellCompDirective
		}
		answers := make(chan answer, 1)
		go func() { // it ends with the process, a moment later
			names, directive := c(ctx, cmd, args, begun)
			answers <- answer{names, directive}
		}()
		select {
		case a := <-answers:
			return a.names, a.directive
		case <-ctx.Done():
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
	}
}

// candidate is a name that a shell may put into a command line, with what is told of it.
type candidate struct{ name, about string }

// candidates are those that begin as what was begun, and that are not there already.
// Names are others', and shells put them into command lines as they are: those that would
// have to be quoted are left out.
func candidates(all []candidate, args []string, begun string) []cobra.Completion {
	var names []cobra.Completion
	for _, one := range all {
		if strings.HasPrefix(one.name, begun) && !slices.Contains(args, one.name) && shellQuote(one.name) == one.name && !strings.HasPrefix(one.name, "-") {
			names = append(names, cobra.CompletionWithDesc(one.name, term.Cut(oneLine(one.about), 60)))
		}
	}
	return names
}

// namesOf makes a completer of what lists names.
func namesOf(list func(ctx context.Context, cmd *cobra.Command, args []string) []candidate) completer {
	return func(ctx context.Context, cmd *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return candidates(list(ctx, cmd, args), args, begun), cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
	}
}

// fixed are words that are always the same.
func fixed(words ...string) completer {
	return namesOf(func(context.Context, *cobra.Command, []string) []candidate {
		all := make([]candidate, len(words))
		for i, word := range words {
			all[i].name = word
		}
		return all
	})
}

// files are those with some extensions; without any, all.
func files(extensions ...string) completer {
	return func(context.Context, *cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(extensions) == 0 {
			return nil, cobra.ShellCompDirectiveDefault
		}
		return extensions, cobra.ShellCompDirectiveFilterFileExt
	}
}

func directories(context.Context, *cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveFilterDirs
}

func nothing(context.Context, *cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveNoFileComp
}

// orFiles adds files where what was begun may be one.
func orFiles(c completer) completer {
	return func(ctx context.Context, cmd *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if strings.ContainsAny(begun, "/.") {
			return nil, cobra.ShellCompDirectiveDefault
		}
		names, _ := c(ctx, cmd, args, begun)
		return names, cobra.ShellCompDirectiveDefault
	}
}

// inTurn completes the first argument by the first, and so on; the last may be repeated.
func inTurn(repeats bool, all ...completer) completer {
	return func(ctx context.Context, cmd *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		at := len(args)
		if repeats {
			at = min(at, len(all)-1)
		}
		if at >= len(all) {
			return nothing(ctx, cmd, args, begun)
		}
		return all[at](ctx, cmd, args, begun)
	}
}

// oneOfList completes the last of several words with commas between.
func oneOfList(c completer) completer {
	return func(ctx context.Context, cmd *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		at := strings.LastIndexByte(begun, ',') + 1
		names, directive := c(ctx, cmd, strings.Split(begun[:at], ","), begun[at:])
		for i := range names {
			names[i] = begun[:at] + names[i]
		}
		return names, directive | cobra.ShellCompDirectiveNoSpace
	}
}

// completeAll tells the shell what may follow each command and each flag, unless a
// command does so by itself.
func completeAll(cmd *cobra.Command) {
	path := strings.TrimPrefix(strings.TrimPrefix(cmd.CommandPath(), cmd.Root().Name()), " ")
	if c, ok := argumentCompleters[path]; ok && cmd.ValidArgsFunction == nil {
		cmd.ValidArgsFunction = byShell(c)
	} else if !ok && cmd.ValidArgsFunction == nil && len(cmd.ValidArgs) == 0 && !cmd.HasSubCommands() {
		cmd.ValidArgsFunction = byShell(nothing)
	}
	flag := func(f *pflag.Flag) {
		if _, done := cmd.GetFlagCompletionFunc(f.Name); !done {
			if c := flagCompleter(path, f); c != nil {
				_ = cmd.RegisterFlagCompletionFunc(f.Name, byShell(c)) // a flag that it has
			}
		}
	}
	cmd.PersistentFlags().VisitAll(flag)
	cmd.LocalNonPersistentFlags().VisitAll(flag)
	for _, sub := range cmd.Commands() {
		completeAll(sub)
	}
}

// flagCompleter completes the value of a flag: by its command and name, else by what
// kind of value it has.
func flagCompleter(path string, f *pflag.Flag) completer {
	if c, ok := flagCompleters[path+" --"+f.Name]; ok {
		return c
	}
	if c, ok := flagCompleters["--"+f.Name]; ok {
		return c
	}
	if c, ok := f.Value.(*choice); ok {
		return fixed(c.of...)
	}
	switch kind, _ := pflag.UnquoteUsage(f); {
	case kind == "DIR":
		return directories
	case kind == "FILE", kind == "string", strings.Contains(kind, "PATH"):
		return nil // files
	}
	return nothing
}
