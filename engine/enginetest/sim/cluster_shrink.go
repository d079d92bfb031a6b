package sim

import (
	"slices"
	"testing"
)

// clusterEffort is how many plays a shrinking may take.
const clusterEffort = 400

// ShrinkCluster makes a broken case small: fewer kinds of troubles, fewer processes,
// smaller flows, as long as the same rule breaks. play is what came of c.
func ShrinkCluster(t *testing.T, c ClusterCase, play ClusterPlay) (ClusterCase, ClusterPlay) {
	t.Helper()
	s := &clusterShrinker{t: t, rule: play.Broken.Rule, best: c, play: play}
	if !s.try(c) {
		return c, play // another goroutine was first this time
	}
	for size := -1; size != len(encode(s.best)) && s.spent < clusterEffort; {
		size = len(encode(s.best))
		s.part()
		s.flows()
	}
	return s.best, s.play
}

// clusterShrinker holds the smallest case so far.
type clusterShrinker struct {
	t     *testing.T
	rule  string
	best  ClusterCase
	play  ClusterPlay
	spent int
}

// try plays a case, and keeps it if the same rule breaks.
func (s *clusterShrinker) try(c ClusterCase) bool {
	if s.spent++; s.spent > clusterEffort {
		return false
	}
	play := SimulateCluster(s.t, c, nil)
	if play.Broken == nil || play.Broken.Rule != s.rule {
		return false
	}
	s.best, s.play = c, play
	return true
}

// part takes away troubles, flows and processes, one at a time.
func (s *clusterShrinker) part() {
	for i := 0; i < len(s.best.Troubles); {
		c := s.best
		c.Troubles = slices.Delete(slices.Clone(c.Troubles), i, i+1)
		if !s.try(c) {
			i++
		}
	}
	for i := 0; i < len(s.best.Flows) && len(s.best.Flows) > 1; {
		c := s.best
		c.Flows = slices.Delete(slices.Clone(c.Flows), i, i+1)
		if !s.try(c) {
			i++
		}
	}
	for i := 0; i < len(s.best.Nodes) && len(s.best.Nodes) > 1; {
		c := s.best
		c.Nodes = slices.Delete(slices.Clone(c.Nodes), i, i+1)
		if !s.try(c) {
			i++
		}
	}
}

// flows takes away what the flows do not need.
func (s *clusterShrinker) flows() {
	for at := range s.best.Flows {
		for i := 0; s.spent < clusterEffort; i++ {
			one := Case{Spec: s.best.Flows[at].Spec, Input: s.best.Flows[at].Input}
			if !simpler(&one, i) {
				break
			}
			c := s.best
			c.Flows = slices.Clone(c.Flows)
			c.Flows[at] = ClusterFlow{one.Spec, one.Input}
			if encode(c) == encode(s.best) {
				continue
			}
			if _, err := one.Spec.Build(); err == nil && s.try(c) {
				i-- // what is now in its place may go too
			}
		}
	}
}
