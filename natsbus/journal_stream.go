package natsbus

import (
	"strings"

	"github.com/nats-io/nats.go/jetstream"
)

// runsStream is where the logs of runs are. It allows no rollups and no schedules:
// with either, the right to write one subject is the right to write them all.
func runsStream(Config) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:        streamRuns,
		Description: "the logs of runs: each activation is a compare-and-set chain",
		Subjects:    []string{"gf.run.>"},
		AllowDirect: true,
	}
}

// Subjects of a run's log, below Bus.runPrefix.
const (
	leafStart     = ".d.start" // run_started
	leafDecision  = ".d.ev"    // what else was decided
	leafDecisions = ".d.*"     // both: the chain ""
	leafTask      = ".t."      // and a token: an activation's chain
)

func isStart(subject string) bool { return strings.HasSuffix(subject, leafStart) }
