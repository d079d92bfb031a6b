package main

import (
	"os"
	"path/filepath"

	"github.com/graflow/graflow-wasm/internal/control"
)

// summaries keeps what `runs ls` tells of ended runs, beside the logs of a state
// directory.
type summaries struct{ state string }

var _ control.Memory = summaries{}

func summaryName(state, run string) string {
	return filepath.Join(logsDir(state), logName(run)+".summary.json")
}

// Load implements control.Memory.
func (s summaries) Load(run string) []byte {
	raw, err := os.ReadFile(summaryName(s.state, run))
	if err != nil {
		return nil // it is made anew
	}
	return raw
}

// Store implements control.Memory.
func (s summaries) Store(run string, summary []byte) {
	if os.MkdirAll(logsDir(s.state), 0o700) == nil {
		_ = replace(summaryName(s.state, run), summary, 0o600) // else the next listing reads the journal again
	}
}
