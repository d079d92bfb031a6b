package soak

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
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

var networkDeeds = []deed{
	{"network cut", 40, func(ctx context.Context, f *faults, p *process, r *rand.Rand) {
		f.network(ctx, p, (*link).sever, between(r, 0.5, 15))
	}},
	{"network silent", 35, func(ctx context.Context, f *faults, p *process, r *rand.Rand) {
		f.network(ctx, p, (*link).hush, between(r, 1, 20))
	}},
	{"network slow", 25, func(ctx context.Context, f *faults, p *process, r *rand.Rand) {
		delay := between(r, 0.02, 0.2)
		f.network(ctx, p, func(k *link) { k.slow(delay) }, between(r, 2, 10))
	}},
}

func between(r *rand.Rand, least, most float64) time.Duration {
	return time.Duration((least + r.Float64()*(most-least)) * float64(time.Second))
}

// run works until ctx is done, and then heals all.
func (f *faults) run(ctx context.Context, cfg *Config) {
	var all sync.WaitGroup
	random := func(stream uint64) *rand.Rand { return rand.New(rand.NewPCG(cfg.Seed, stream)) }
	if cfg.OnWorkers {
		all.Go(func() { f.onWorkers(ctx, random(1), workerDeeds) })
	}
	if cfg.OnServers {
		all.Go(func() { f.onServers(ctx, random(2)) })
	}
	if cfg.OnCells {
		all.Go(func() { f.onCells(ctx, random(4)) })
	}
	if cfg.OnNetwork {
		all.Go(func() { f.onWorkers(ctx, random(3), networkDeeds) })
	}
	all.Wait()
	f.under.Wait()
}

// onWorkers begins a fault of a worker, or of its network, now and then, several at a time, but leaves
// one alone.
func (f *faults) onWorkers(ctx context.Context, r *rand.Rand, deeds []deed) {
	for wait(ctx, between(r, 1, 5)) == nil {
		p, d := f.workers[r.IntN(len(f.workers))], pick(deeds, r)
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

// onCells kills cells, one by one. That counts as a fault only if there is one.
func (f *faults) onCells(ctx context.Context, r *rand.Rand) {
	for wait(ctx, between(r, 0.2, 2)) == nil {
		p := f.workers[r.IntN(len(f.workers))]
		pids := cellsOf(p.pid())
		if len(pids) == 0 {
			continue
		}
		cell, err := os.FindProcess(pids[r.IntN(len(pids))])
		if err == nil && cell.Kill() == nil {
			now := time.Now()
			f.mu.Lock()
			f.all = append(f.all, &fault{What: "cell killed", Target: "a cell of " + p.config.Name, Begun: now, Over: now})
			f.mu.Unlock()
			f.say("cell killed: of %s", p.config.Name)
		}
	}
}

// network does something to the links of a worker, and mends them after a while.
func (f *faults) network(ctx context.Context, p *process, do func(*link), d time.Duration) {
	for _, k := range p.links {
		do(k)
	}
	_ = wait(ctx, d) // likewise
	for _, k := range p.links {
		k.mend()
	}
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
