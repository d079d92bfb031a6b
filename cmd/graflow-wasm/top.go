package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/internal/term"
	"github.com/spf13/cobra"
)

// topOptions are the flags of `top`.
type topOptions struct {
	where  placeFlags
	every  time.Duration
	once   bool
	sort   []string
	format *choice
}

func newTop(std streams) *cobra.Command {
	var o topOptions
	cmd := &cobra.Command{
		Use:   "top",
		Short: "Watch runs, queues and workers",
		Long: `Top shows how a cluster stands: its runs, its queues, its workers, looked at anew all
the time; or the runs of a state directory.

On a terminal keys choose what is shown: Tab goes to another section, s sorts it, r has it
the other way round, arrows scroll, p pauses, + and - change how often it looks, ? tells
of the others, q ends. Elsewhere, and with -o json, it prints how all stands each time;
with --once one time.`,
		Example: `  graflow-wasm top --nats ./srv
  graflow-wasm top --state ./state --interval 500ms
  graflow-wasm top --nats ./srv --sort queues=oldest,workers=load
  graflow-wasm top --nats ./srv --once -o json | jq '.queues[] | select(.ready > 100)'`,
		Args: arguments(cobra.NoArgs),
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.DurationVarP(&o.every, "interval", "n", 2*time.Second, "how long to wait between two looks")
	f.BoolVar(&o.once, "once", false, "print how it stands, and end")
	f.StringSliceVar(&o.sort, "sort", nil, "sort sections, as `SECTION=KEY`: "+sortKeysText())
	o.format = outputFlag(cmd, "text", "json")
	o.where.addTo(f, "the `DIR` in which runs are kept (default: $"+stateVariable+")")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		v, err := o.view()
		if err != nil {
			return err
		}
		return withLookout(cmd.Context(), &o.where, func(look lookout) error {
			return top(cmd.Context(), std, o, v, look)
		})
	}
	return cmd
}

// sortKeysText lists the keys that sections can be sorted by.
func sortKeysText() string {
	var parts []string
	for _, one := range topSections {
		parts = append(parts, one.name+" by "+strings.Join(one.keys, ", "))
	}
	return strings.Join(parts, "; ")
}

// view is what the flags choose.
func (o *topOptions) view() (*topView, error) {
	if o.every < topFastest {
		return nil, usagef("top: --interval %s: want %s or more", o.every, topFastest)
	}
	v := &topView{every: o.every}
	for _, text := range o.sort {
		name, key, _ := strings.Cut(text, "=")
		i := slices.IndexFunc(topSections, func(s section) bool { return s.name == name })
		if i < 0 {
			return nil, usagef("top: --sort %q: want SECTION=KEY: %s", text, sortKeysText())
		}
		at := slices.Index(topSections[i].keys, key)
		if at < 0 {
			return nil, usagef("top: --sort %q: %s are sorted by %s", text, name, strings.Join(topSections[i].keys, ", "))
		}
		v.states[i].key = at
	}
	return v, nil
}

// top shows how a place stands.
func top(ctx context.Context, std streams, o topOptions, v *topView, look lookout) error {
	out := std.output()
	if o.once || o.format.value == "json" || !out.Moves() || !isTerminal(std.in) {
		return tellStanding(ctx, out, o, v, look)
	}
	return showTop(ctx, std, out, v, look)
}

// tellStanding prints how a place stands, once or again and again.
func tellStanding(ctx context.Context, out *term.Output, o topOptions, v *topView, look lookout) error {
	for {
		s, err := lookOnce(ctx, look)
		if err != nil {
			return err
		}
		if o.format.value == "json" {
			err = writeJSON(out, s)
		} else {
			err = writeStanding(out, s, v)
		}
		if err != nil || o.once {
			return err
		}
		if pauseFor(ctx, o.every); ctx.Err() != nil {
			return nil
		}
	}
}

func lookOnce(ctx context.Context, look lookout) (standing, error) {
	ctx, cancel := context.WithTimeout(ctx, topWithin)
	defer cancel()
	s, err := look(ctx)
	if err != nil && errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("%w: there was no answer for %s", err, topWithin)
	}
	return s, err
}

// writeStanding prints all that there is, for eyes and for pipes.
func writeStanding(out *term.Output, s standing, v *topView) error {
	if _, err := fmt.Fprintf(out, "%s  %s\n%s\n", s.Time.Local().Format(time.DateTime), oneLine(s.Place), s.summary()); err != nil {
		return err
	}
	if s.cluster {
		if _, err := fmt.Fprintln(out, s.work()); err != nil {
			return err
		}
	}
	for i, one := range topSections {
		table := one.table(s, one.keys[v.states[i].key], v.states[i].reverse)
		if !one.has(s) || table.Len() == 0 {
			continue
		}
		if _, err := fmt.Fprintf(out, "\n%s\n", one.name); err != nil {
			return err
		}
		width, _ := out.Size()
		if _, err := fmt.Fprintln(out, strings.Join(table.Lines(out, width), "\n")); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintln(out)
	return err
}
