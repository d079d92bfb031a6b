package soak

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// fault is something done to a process.
type fault struct {
	What, Target string
	Begun, Over  time.Time // zero: it goes on
}

// faults work on processes as a seeded random schedule says. It is safe for
// concurrent use.
type faults struct {
	servers, workers []*process
	say              func(format string, args ...any)
	under            sync.WaitGroup

	mu   sync.Mutex // guards what follows
	all  []*fault
	busy map[*process]bool
	bad  []string // what went wrong besides
}

func newFaults(servers, workers []*process, say func(string, ...any)) *faults {
	return &faults{servers: servers, workers: workers, say: say, busy: map[*process]bool{}}
}

// deed is a kind of fault, and how likely it is.
type deed struct {
	what  string
	share int
	do    func(ctx context.Context, f *faults, p *process, r *rand.Rand)
}

var workerDeeds = []deed{
	{"worker killed", 40, func(ctx context.Context, f *faults, p *process, r *rand.Rand) { f.kill(ctx, p, between(r, 0.1, 4)) }},
	{"worker suspended", 35, func(ctx context.Context, f *faults, p *process, r *rand.Rand) { f.suspend(ctx, p, between(r, 2, 20)) }},
	{"worker terminated", 25, func(ctx context.Context, f *faults, p *process, r *rand.Rand) {
		f.terminate(ctx, p, between(r, 0.1, 4))
	}},
}

var serverDeeds = []deed{
	{"server killed", 45, func(ctx context.Context, f *faults, p *process, r *rand.Rand) { f.kill(ctx, p, between(r, 0.5, 8)) }},
	{"server suspended", 25, func(ctx context.Context, f *faults, p *process, r *rand.Rand) { f.suspend(ctx, p, between(r, 2, 15)) }},
	{"server terminated", 20, func(ctx context.Context, f *faults, p *process, r *rand.Rand) {
		f.terminate(ctx, p, between(r, 0.5, 5))
	}},
	{"two servers killed", 10, killTwo},
}

func between(r *rand.Rand, least, most float64) time.Duration {
	return time.Duration((least + r.Float64()*(most-least)) * float64(time.Second))
}

// run works until ctx is done, and then heals all.
func (f *faults) run(ctx context.Context, seed uint64, onWorkers, onServers bool) {
	var all sync.WaitGroup
	if onWorkers {
		all.Go(func() { f.onWorkers(ctx, rand.New(rand.NewPCG(seed, 1))) })
	}
	if onServers {
		all.Go(func() { f.onServers(ctx, rand.New(rand.NewPCG(seed, 2))) })
	}
	all.Wait()
	f.under.Wait()
}

// onWorkers begins a fault of a worker now and then, several at a time, but leaves
// one alone.
func (f *faults) onWorkers(ctx context.Context, r *rand.Rand) {
	for wait(ctx, between(r, 1, 5)) == nil {
		p, d := f.workers[r.IntN(len(f.workers))], pick(workerDeeds, r)
		own := rand.New(rand.NewPCG(r.Uint64(), 0))
		if !f.take(p, len(f.workers)-1) {
			continue
		}
		f.under.Go(func() { f.work(ctx, d, p, own) })
	}
}

// onServers begins a fault of a server once the one before is over and the cluster had
// time to elect leaders.
func (f *faults) onServers(ctx context.Context, r *rand.Rand) {
	for wait(ctx, between(r, 6, 16)) == nil {
		p, d := f.servers[r.IntN(len(f.servers))], pick(serverDeeds, r)
		if f.take(p, len(f.servers)) {
			f.work(ctx, d, p, r)
		}
	}
}

func pick(all []deed, r *rand.Rand) deed {
	n := r.IntN(100)
	for _, d := range all {
		if n -= d.share; n < 0 {
			return d
		}
	}
	return all[0]
}

// take makes a process the object of a fault, unless it is, or as many are.
func (f *faults) take(p *process, most int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	mine := 0
	for q := range f.busy {
		if q.config.Role == p.config.Role {
			mine++
		}
	}
	if f.busy[p] || mine >= most {
		return false
	}
	f.busy[p] = true
	return true
}

// work does a fault, and keeps account of it.
func (f *faults) work(ctx context.Context, d deed, p *process, r *rand.Rand) {
	one := &fault{What: d.what, Target: p.config.Name, Begun: time.Now()}
	f.mu.Lock()
	f.all = append(f.all, one)
	f.mu.Unlock()
	f.say("%s: %s", d.what, p.config.Name)
	d.do(ctx, f, p, r)
	f.say("%s: %s: over after %s", d.what, p.config.Name, time.Since(one.Begun).Round(time.Millisecond))
	f.mu.Lock()
	defer f.mu.Unlock()
	one.Over = time.Now()
	delete(f.busy, p)
}

func (f *faults) kill(ctx context.Context, p *process, down time.Duration) {
	f.wrong(p.Kill())
	_ = wait(ctx, down) // or until faults are to end
	f.wrong(p.Start(0))
}

func (f *faults) suspend(ctx context.Context, p *process, d time.Duration) {
	f.wrong(p.Signal(signalStop, false))
	_ = wait(ctx, d) // likewise
	f.wrong(p.Signal(signalContinue, false))
}

// mustEnd is the time in which a process ends that was told to.
const mustEnd = 60 * time.Second

func (f *faults) terminate(ctx context.Context, p *process, down time.Duration) {
	f.wrong(p.Signal(signalEnd, true))
	if !p.Exited(mustEnd) {
		f.wrong(fmt.Errorf("%s has not ended %s after it was told to", p.config.Name, mustEnd))
		f.wrong(p.Signal(signalQuit, true)) // it tells what it does, in its log
		_ = p.Exited(mustEnd / 10)
		f.wrong(p.Kill())
	}
	_ = wait(ctx, down) // likewise
	f.wrong(p.Start(0))
}

// killTwo leaves the cluster without a majority for a moment.
func killTwo(ctx context.Context, f *faults, p *process, r *rand.Rand) {
	other := f.servers[0]
	for _, s := range f.servers {
		if s != p {
			other = s
		}
	}
	f.wrong(p.Kill())
	f.wrong(other.Kill())
	_ = wait(ctx, between(r, 0.2, 2)) // likewise
	f.wrong(other.Start(0))
	_ = wait(ctx, between(r, 0.2, 3)) // likewise
	f.wrong(p.Start(0))
}

// wrong keeps an error.
func (f *faults) wrong(err error) {
	if err == nil {
		return
	}
	f.say("%v", err)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.bad = append(f.bad, err.Error())
}

// told are the faults that were, and what went wrong besides.
func (f *faults) told() ([]fault, []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := make([]fault, len(f.all))
	for i, one := range f.all {
		all[i] = *one
	}
	bad := f.bad
	for _, p := range append(append([]*process{}, f.servers...), f.workers...) {
		bad = append(bad, p.Crashes()...)
	}
	return all, bad
}
