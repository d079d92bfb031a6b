package report

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/bench/internal/record"
)

// key is what the rounds of one contender have in common.
type key struct {
	part, name, class, who, settings, durability string
	workers                                      int
}

// series is one contender in one case: a record for each round.
type series struct {
	key
	version, loses string
	rounds         []record.Measured
}

// spread is a figure over rounds: the lowest, the median (of an even number the lower
// one), the highest.
type spread[T cmp.Ordered] struct{ low, mid, high T }

func spreadOf[T cmp.Ordered](values []T) spread[T] {
	slices.Sort(values)
	return spread[T]{values[0], values[(len(values)-1)/2], values[len(values)-1]}
}

func over[T cmp.Ordered](s series, figure func(record.Measured) T) spread[T] {
	var values []T
	for _, m := range s.rounds {
		values = append(values, figure(m))
	}
	return spreadOf(values)
}

func (s series) p50() spread[time.Duration] {
	return over(s, func(m record.Measured) time.Duration { return m.P50 })
}

func (s series) p99() spread[time.Duration] {
	return over(s, func(m record.Measured) time.Duration { return m.P99 })
}

// rate is tasks a second.
func (s series) rate() spread[float64] {
	return over(s, func(m record.Measured) float64 { return float64(m.Tasks) / m.Took.Seconds() })
}

// slowest is the longest that one task took in any round, fastest the shortest.
func (s series) slowest() time.Duration {
	return over(s, func(m record.Measured) time.Duration { return m.Max }).high
}

func (s series) fastest() time.Duration {
	return over(s, func(m record.Measured) time.Duration { return m.Min }).low
}

func (s series) tasks() int {
	n := 0
	for _, m := range s.rounds {
		n += m.Tasks
	}
	return n
}

// ours tells whether it's one of ours.
func (s series) ours() bool { return strings.HasPrefix(s.who, "ours") || s.who == "graflow-wasm" }

// settings that a label says otherwise, or not at all.
var settings = map[string]string{
	"activities": "", "a run per job": "on NATS", "defaults": "",
	"TaskCheckInterval 5ms": "eager", "FetchCooldown 1ms": "eager",
}

// label names it in a table and in a plot.
func (s series) label() string {
	who, with := s.who, s.settings
	if who == "graflow-wasm" {
		who = "ours"
	}
	if said, known := settings[with]; known {
		with = said
	}
	if s.settings == "defaults" && s.who != "JetStream" {
		with = "defaults"
	}
	if with == "" {
		return who
	}
	return who + ", " + with
}

// gather puts rounds together, in the order in which contenders come first.
func gather(lines []record.Line) []series {
	var all []series
	at := map[key]int{}
	for _, l := range lines {
		m := l.Measured
		if m == nil {
			continue
		}
		k := key{m.Part, m.Case, m.Class, m.Who, m.Settings, m.Durability, m.Workers}
		i, known := at[k]
		if !known {
			i = len(all)
			at[k] = i
			all = append(all, series{key: k, version: m.Version, loses: m.Loses})
		}
		all[i].rounds = append(all[i].rounds, *m)
	}
	return all
}

// of are those of one case; class "" is any.
func of(all []series, part, name, class string, workers func(int) bool) []series {
	var chosen []series
	for _, s := range all {
		if s.part == part && s.name == name && (class == "" || s.class == class) && workers(s.workers) {
			chosen = append(chosen, s)
		}
	}
	return chosen
}

func anyWorkers(int) bool    { return true }
func oneWorker(n int) bool   { return n == 1 }
func manyWorkers(n int) bool { return n > 1 }

// baseline is the one of ours that the others are compared with: the sandbox in this
// process, and of queues the last, as a cluster comes after one process. nil if there
// is none.
func baseline(all []series) *series {
	var base *series
	for i := range all {
		if all[i].who == "ours" {
			return &all[i]
		}
		if all[i].ours() {
			base = &all[i]
		}
	}
	return base
}
