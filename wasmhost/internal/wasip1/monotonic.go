package wasip1

// Seen returns the time that the guest has seen go by on its monotonic clock, in
// ns.
func (s *State) Seen() uint64 { return s.now(clockMonotonic) - monotonicStart }

// GoOn has the machine's monotonic clock go on from where a guest has seen seen ns
// go by, if it is behind that: it may have been another clock that the guest saw, or
// that of another process. A virtual clock goes by Clock.Elapsed. To be called
// before the guest runs.
func (s *State) GoOn(seen uint64) {
	if s.config.Clock.Kind == VirtualClock {
		return
	}
	if s.config.Clock.Kind == CoarseClock { // which rounds down
		seen = add(seen, uint64(CoarseStep-1))
		seen -= seen % uint64(CoarseStep)
	}
	s.ahead = 0
	if now := s.Seen(); seen > now {
		s.ahead = seen - now
	}
}
