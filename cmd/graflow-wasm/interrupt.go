package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// interrupt turns the first SIGINT or SIGTERM into a call of what was last
// registered, and the second into the end of the process.
type interrupt struct {
	stop func()

	mu     sync.Mutex // guards the fields below
	hit    string     // the signal, once it has come
	what   string     // it does then
	action func(signal string)
}

// catchInterrupts listens until Stop. say is where it tells what it does.
func catchInterrupts(say io.Writer, action func(signal string)) *interrupt {
	signals := make(chan os.Signal, 2)
	done := make(chan struct{})
	var wait sync.WaitGroup
	i := &interrupt{action: action, what: "canceling the run; a second one stops at once"}
	i.stop = sync.OnceFunc(func() {
		signal.Stop(signals)
		close(done)
		wait.Wait()
	})
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	wait.Go(func() {
		for {
			select {
			case s := <-signals:
				i.take(say, nameOf(s))
			case <-done:
				return
			}
		}
	})
	return i
}

func nameOf(s os.Signal) string {
	if s == os.Interrupt {
		return "SIGINT"
	}
	return "SIGTERM"
}

func (i *interrupt) take(say io.Writer, name string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.hit != "" {
		os.Exit(exitCanceled)
	}
	i.hit = name
	fmt.Fprintf(say, "graflow-wasm: %s: %s\n", name, i.what)
	i.action(name)
}

// Then replaces the action. It is called at once if the signal has come.
func (i *interrupt) Then(action func(signal string)) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.action = action
	if i.hit != "" {
		action(i.hit)
	}
}

// Say replaces what is told when the signal comes.
func (i *interrupt) Say(what string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.what = what
}

// Hit is the name of the signal that came, or "".
func (i *interrupt) Hit() string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.hit
}

// Stop ends listening: signals do again what they do by default.
func (i *interrupt) Stop() { i.stop() }

// canceling makes a context that the first signal ends.
func canceling(ctx context.Context, say io.Writer) (context.Context, *interrupt) {
	ctx, cancel := context.WithCancelCause(ctx)
	i := catchInterrupts(say, func(name string) { cancel(fmt.Errorf("canceled by %s", name)) })
	stop := i.stop
	i.stop = func() {
		stop()
		cancel(nil)
	}
	return ctx, i
}
