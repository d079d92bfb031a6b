package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"sync"
	"time"

	"github.com/graflow/graflow-wasm/internal/term"
)

// sight is what a look has come to.
type sight struct {
	standing standing
	fault    error
	panicked any // of the look; it ends the program
}

// showTop draws how a place stands until somebody ends it. Whatever ends it, the
// terminal is as before: also a signal, a terminal that is gone, or a panic.
func showTop(ctx context.Context, std streams, out *term.Output, v *topView, look lookout) error {
	s, err := lookOnce(ctx, look)
	if err != nil {
		return err // nothing has been drawn
	}
	ctx, cancel := context.WithCancel(ctx)
	var looks sync.WaitGroup
	defer looks.Wait()
	defer cancel()
	signals, resized := make(chan os.Signal, 1), make(chan os.Signal, 1)
	signal.Notify(signals, term.Endings()...)
	defer signal.Stop(signals)
	defer term.NotifyResize(resized)()
	screen, err := term.Take(std.in.(*os.File), std.out.(*os.File)) // which is a terminal
	if err != nil {
		return err
	}
	defer screen.Restore() //nolint:errcheck // it may be gone
	t := &topShow{view: v, out: out, screen: screen, sight: sight{standing: s}, sights: make(chan sight, 1), looks: &looks, look: look}
	return t.loop(ctx, signals, resized)
}

// topShow is a top that is shown. One goroutine has it; each look has one of its own.
type topShow struct {
	view   *topView
	out    *term.Output
	screen *term.Screen
	sight  sight
	rows   int // of the section that keys are about

	look    lookout
	sights  chan sight
	looks   *sync.WaitGroup
	looking bool
}

func (t *topShow) loop(ctx context.Context, signals, resized <-chan os.Signal) error {
	timer := time.NewTimer(t.view.every)
	defer timer.Stop()
	for {
		if err := t.draw(); err != nil {
			return fmt.Errorf("draw: %w", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-signals:
			return &exitError{Code: exitCanceled}
		case <-resized:
			t.screen.Redraw()
		case <-timer.C:
			t.begin(ctx)
		case seen := <-t.sights:
			t.take(seen)
			timer.Reset(t.view.every)
		case key, ok := <-t.screen.Keys():
			if !ok {
				return nil // the terminal is gone
			}
			if t.press(ctx, key) == deedQuit {
				return nil
			}
			if !t.looking {
				timer.Reset(t.view.every)
			}
		}
	}
}

func (t *topShow) draw() error {
	lines, rows := t.view.lines(t.sight.standing, t.sight.fault, time.Now(), t.out)
	t.rows = rows
	return t.screen.Draw(lines)
}

func (t *topShow) press(ctx context.Context, key term.Key) deed {
	what := t.view.press(key, t.sight.standing, t.rows)
	switch what {
	case deedRefresh:
		t.begin(ctx)
	case deedRedraw:
		t.screen.Redraw()
	case deedStop:
		_ = t.screen.Suspend(term.Stop) // a terminal that is gone has no more keys
	}
	return what
}

// begin looks, unless a look is under way.
func (t *topShow) begin(ctx context.Context) {
	if t.looking {
		return
	}
	t.looking = true
	t.looks.Go(func() {
		var seen sight
		defer func() {
			if p := recover(); p != nil { // it ends the program once the terminal is as before
				seen.panicked = fmt.Sprintf("%v\n%s", p, debug.Stack())
			}
			t.sights <- seen
		}()
		seen.standing, seen.fault = lookOnce(ctx, t.look)
	})
}

// take shows what a look has seen. Of one that has failed nothing is shown but why.
func (t *topShow) take(seen sight) {
	t.looking = false
	switch {
	case seen.panicked != nil:
		panic(seen.panicked)
	case t.view.frozen || errors.Is(seen.fault, context.Canceled):
	case seen.fault != nil:
		t.sight.fault = seen.fault
	default:
		t.sight = seen
	}
}
