package main

import (
	"github.com/graflow/graflow-wasm/internal/term"
	"github.com/spf13/pflag"
)

// lookFlags say how things are shown, whatever the command is.
type lookFlags struct {
	noColor bool
}

func (l *lookFlags) addTo(f *pflag.FlagSet) {
	f.BoolVar(&l.noColor, "no-color", false, "no colors; NO_COLOR does the same")
}

// config is what the flags say. Without flags it is the environment's.
func (l *lookFlags) config() term.Config {
	if l == nil {
		return term.Config{}
	}
	return term.Config{NoColor: l.noColor}
}

// output is stdout, and what it can show.
func (s streams) output() *term.Output { return term.New(s.out, s.look.config()) }

// errors is the same of stderr.
func (s streams) errors() *term.Output { return term.New(s.err, s.look.config()) }
