package main

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// stopping counts the signals that end a process: the first lets it finish, the
// second makes it hurry, the third ends it.
type stopping struct {
	first, second context.Context //nolint:containedctx // ended by the signals
	stop          func()

	mu   sync.Mutex // guards name
	name string     // of the first signal
}

// catchStops listens until Stop.
func catchStops() *stopping {
	s := &stopping{}
	var one, two context.CancelFunc
	s.first, one = context.WithCancel(context.Background())
	s.second, two = context.WithCancel(context.Background())
	signals, done := make(chan os.Signal, 3), make(chan struct{})
	var wait sync.WaitGroup
	s.stop = sync.OnceFunc(func() {
		signal.Stop(signals)
		close(done)
		wait.Wait()
		one()
		two()
	})
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	wait.Go(func() {
		for n := 1; ; n++ {
			select {
			case <-done:
				return
			case sig := <-signals:
				s.take(n, sig, one, two)
			}
		}
	})
	return s
}

func (s *stopping) take(n int, sig os.Signal, one, two context.CancelFunc) {
	switch n {
	case 1:
		s.mu.Lock()
		s.name = nameOf(sig)
		s.mu.Unlock()
		one()
	case 2:
		two()
	default:
		os.Exit(exitCanceled)
	}
}

// Started is a context that the first signal ends.
func (s *stopping) Started() context.Context { return s.first }

// Wait blocks until the first signal, or the end of ctx, and returns its name, and a
// context that the second one ends.
func (s *stopping) Wait(ctx context.Context) (name string, again context.Context) {
	select {
	case <-s.first.Done():
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.name, s.second
}

// Stop ends listening: signals do again what they do by default.
func (s *stopping) Stop() { s.stop() }
