package main

import (
	"errors"
	"fmt"
	"maps"
	"math"

	"github.com/graflow/graflow-wasm/sdk"
)

const (
	damping = 0.85
	// epsilon is the change of all ranks together that is none.
	epsilon = 1e-9
)

// State is what a partition takes from one superstep to the next.
type State struct {
	Part       int       `json:"part"`
	Supersteps int       `json:"supersteps,omitempty"` // done so far
	Ranks      []float64 `json:"ranks,omitempty"`      // of the partition's packages, in their order
	Kept       mail      `json:"kept,omitempty"`       // what its packages give each other
}

// mail is what packages are given, by their number.
type mail map[int]float64

// superstep computes the partition's ranks from what all packages gave in the
// superstep before, and gives in its turn. The first one begins with equal ranks.
// It halts when nothing changed: all partitions read the same sum of changes, so
// that they halt together.
func superstep(ch sdk.Channel, g Graph, s State) (next State, halt bool, err error) {
	next = State{Part: s.Part, Supersteps: s.Supersteps + 1}
	if s.Supersteps == 0 {
		for range g.Parts[s.Part] {
			next.Ranks = append(next.Ranks, 1/float64(len(g.Packages)))
		}
		next.Kept, err = give(ch, g, next)
		return next, false, err
	}
	before, err := receive(ch, g, s)
	if err != nil {
		return s, false, err
	}
	if s.Supersteps > 1 && before.change < epsilon {
		return State{Part: s.Part, Supersteps: next.Supersteps, Ranks: s.Ranks}, true, nil
	}
	change := 0.0
	for i, node := range g.Parts[s.Part] {
		rank := (1 - damping + damping*before.dangling) / float64(len(g.Packages))
		rank += damping * before.given[node.ID]
		change += math.Abs(rank - s.Ranks[i])
		next.Ranks = append(next.Ranks, rank)
	}
	if err := ch.Add(changeKey(next.Supersteps), change); err != nil {
		return s, false, err
	}
	next.Kept, err = give(ch, g, next)
	return next, false, err
}

// Keys have the superstep in them: what one writes the next one deletes, while
// its own is being written.

func mailKey(superstep, from, to int) string {
	return fmt.Sprintf("mail/%d/%d/%d", superstep, from, to)
}
func changeKey(superstep int) string   { return fmt.Sprintf("change/%d", superstep) }
func danglingKey(superstep int) string { return fmt.Sprintf("dangling/%d", superstep) }

// give shares each package's rank among those that it imports. What crosses to
// another partition is in the channel once the superstep is over; the rest is
// returned. A package without imports gives to all alike, which is a sum that
// every partition adds to.
func give(ch sdk.Channel, g Graph, s State) (kept mail, err error) {
	letters := make([]mail, len(g.Parts))
	for i := range letters {
		letters[i] = mail{}
	}
	dangling := 0.0
	for i, node := range g.Parts[s.Part] {
		if len(node.Imports) == 0 {
			dangling += s.Ranks[i]
		}
		for _, to := range node.Imports {
			letters[g.owner(to)][to] += s.Ranks[i] / float64(len(node.Imports))
		}
	}
	for to, letter := range letters {
		if to == s.Part {
			continue
		}
		if err := ch.Set(mailKey(s.Supersteps, s.Part, to), letter); err != nil {
			return nil, err
		}
	}
	return letters[s.Part], ch.Add(danglingKey(s.Supersteps), dangling)
}

// received is what a superstep left for the next one.
type received struct {
	given            mail
	change, dangling float64
}

// receive takes what the superstep before has left for the partition out of the
// channel. The others see the channel as it was when the superstep began, so that
// the first partition may delete what all of them read.
func receive(ch sdk.Channel, g Graph, s State) (received, error) {
	r := received{given: mail{}}
	maps.Copy(r.given, s.Kept)
	for from := range g.Parts {
		if from == s.Part {
			continue
		}
		var letter mail
		if err := take(ch, mailKey(s.Supersteps, from, s.Part), &letter, true); err != nil {
			return r, err
		}
		for to, share := range letter {
			r.given[to] += share
		}
	}
	first := s.Part == 0
	return r, errors.Join(
		take(ch, changeKey(s.Supersteps), &r.change, first),
		take(ch, danglingKey(s.Supersteps), &r.dangling, first),
	)
}

// take reads a key, if there is one, and deletes it if it is one's own.
func take(ch sdk.Channel, key string, into any, own bool) error {
	if _, err := ch.Get(key, into); err != nil || !own {
		return err
	}
	return ch.Delete(key)
}
