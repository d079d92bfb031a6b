package api

import "sync"

// streams counts those that are open. It is safe for concurrent use.
type streams struct {
	most int

	mu   sync.Mutex // guards what follows
	open int
	by   map[string]int // the name of a token
}

func newStreams(most int) *streams { return &streams{most: most, by: map[string]int{}} }

// take counts one more; nil if there are enough.
func (s *streams) take(name string) (release func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open >= s.most || s.by[name] >= (s.most+1)/2 {
		return nil
	}
	s.open++
	s.by[name]++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.open--
		if s.by[name]--; s.by[name] == 0 {
			delete(s.by, name)
		}
	}
}
