package mcp

import (
	"context"
	"errors"
	"sync/atomic"
)

var errBusy = errors.New("the server is busy: too many calls wait already; try again later")

// slots bounds how many calls run at once, and how many wait.
type slots struct {
	free    chan struct{}
	waiting atomic.Int64
	most    int64
}

func newSlots(running, waiting int) *slots {
	return &slots{free: make(chan struct{}, running), most: int64(waiting)}
}

// take waits for a slot, which the caller gives back by calling release.
func (s *slots) take(ctx context.Context) (release func(), err error) {
	release = func() { <-s.free }
	select {
	case s.free <- struct{}{}:
		return release, nil
	default:
	}
	defer s.waiting.Add(-1)
	if s.waiting.Add(1) > s.most {
		return nil, errBusy
	}
	select {
	case s.free <- struct{}{}:
		return release, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}
