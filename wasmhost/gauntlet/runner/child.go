package runner

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"github.com/graflow/graflow-wasm/wasmhost"
	"github.com/graflow/graflow-wasm/wasmhost/gauntlet"
)

// In the environment of a child: the case, the directory it may use, and whether
// guests run in cells.
const (
	caseVariable     = "GRAFLOW_GAUNTLET_CASE"
	dirVariable      = "GRAFLOW_GAUNTLET_DIR"
	isolatedVariable = "GRAFLOW_GAUNTLET_ISOLATED"
)

// Child must be called first in the main function (and in TestMain) of a program
// that calls Run. In a process that Run started it runs the case, reports on
// stdout and never returns.
func Child() {
	wasmhost.Child()
	name, dir := os.Getenv(caseVariable), os.Getenv(dirVariable)
	if name == "" {
		return
	}
	os.Exit(serve(context.Background(), name, dir))
}

// rest is how long a host may go on after a call, and is looked at then.
const rest = 60 * time.Millisecond

func serve(ctx context.Context, name, dir string) int {
	limitSelf()
	for _, c := range gauntlet.Cases() {
		if c.Name != name {
			continue
		}
		report := attack(ctx, c, dir)
		if err := json.NewEncoder(os.Stdout).Encode(report); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return 0
	}
	fmt.Fprintf(os.Stderr, "no case %q\n", name)
	return 1
}

// attack runs a case from beginning to end in this process.
func attack(ctx context.Context, c gauntlet.Case, dir string) (r Report) {
	r = Report{Case: c.Name, Endings: map[string]int{}, Growth: -1}
	wasm := c.Module()
	g, err := prepare(c, dir)
	if err != nil {
		r.broke(err)
		return r
	}
	defer g.close()
	h, err := open(ctx, c.Limits)
	if err != nil {
		r.broke(err)
		return r
	}
	debug.FreeOSMemory()
	before, measured := residentFromNow()
	stop := watch(&r)
	fight(ctx, h, c, g, wasm, &r)
	stop()
	if after, ok := residentPeak(); ok && measured {
		r.Growth = max(0, after-before)
	}
	r.Afterburn = afterburn()
	r.broke(healthy(ctx, h))
	r.broke(h.close(ctx))
	r.Breaches = g.breaches(c)
	return r
}

// fight compiles the module and makes its calls.
func fight(ctx context.Context, h host, c gauntlet.Case, g grounds, wasm []byte, r *Report) {
	start := time.Now()
	m, refused, err := h.compile(ctx, wasm)
	r.Admission, r.Refused = time.Since(start), fmt.Sprintf("%.*s", detailBytes, refused)
	if err != nil || refused != "" {
		r.broke(err)
		return
	}
	var mu sync.Mutex // guards r
	var all sync.WaitGroup
	for range max(1, c.Parallel) {
		all.Go(func() {
			for range max(1, c.Repeat) {
				for _, export := range c.Exports {
					start := time.Now()
					end, err := m.call(ctx, c, export, g)
					wall := time.Since(start) - end.waited
					mu.Lock()
					if err != nil {
						r.broke(fmt.Errorf("call %s: %w", export, err))
					} else {
						end.detail = export + ": " + end.detail
						r.ended(end, wall)
					}
					mu.Unlock()
				}
			}
		})
	}
	all.Wait()
}

// afterburn lets the host come to rest, and then sees whether it does.
func afterburn() time.Duration {
	<-time.After(rest)
	start, ok := processorTime()
	<-time.After(rest)
	end, _ := processorTime()
	if !ok {
		return 0
	}
	return end - start
}

// pulse is how late, at worst, a goroutine woke from a short sleep until done.
func pulse(done <-chan struct{}) (worst time.Duration) {
	const moment = 2 * time.Millisecond
	ticker := time.NewTicker(moment)
	defer ticker.Stop()
	for last := time.Now(); ; {
		select {
		case <-ticker.C:
		case <-done:
			return worst
		}
		now := time.Now()
		worst = max(worst, now.Sub(last)-moment)
		last = now
	}
}

// watch measures, until stopped, how the process fares meanwhile.
func watch(r *Report) (stop func()) {
	done := make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() { r.Pulse = pulse(done) })
	all.Go(func() {
		pause := time.NewTicker(25 * time.Millisecond)
		defer pause.Stop()
		for {
			start := time.Now()
			runtime.GC()
			r.Collection = max(r.Collection, time.Since(start))
			select {
			case <-pause.C:
			case <-done:
				return
			}
		}
	})
	return func() {
		close(done)
		all.Wait()
	}
}
