package statedir

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"

	"github.com/graflow/graflow-wasm/engine"
)

// openRun is what is in memory of a run's files.
type openRun struct {
	id      string
	dir     string
	log     *runLog
	channel *runChannel

	users int    // guarded by openRuns.mu
	used  uint64 // when, in acquisitions; so too
}

// openRuns are the runs whose files are open: those in use, and some that were
// lately.
type openRuns struct {
	dir *Dir

	mu     sync.Mutex // guards what follows
	free   *sync.Cond // nobody uses one of them any more
	runs   map[string]*openRun
	clock  uint64
	closed bool
}

func newOpenRuns(d *Dir) *openRuns {
	o := &openRuns{dir: d, runs: map[string]*openRun{}}
	o.free = sync.NewCond(&o.mu)
	return o
}

// use calls f with a run's files. f reports that they were removed before it
// looked; then there are others.
func (o *openRuns) use(run string, f func(*openRun) (gone bool, err error)) error {
	for {
		r, err := o.acquire(run)
		if err != nil {
			return err
		}
		gone, err := f(r)
		o.release(r)
		if !gone {
			return err
		}
	}
}

func (o *openRuns) acquire(run string) (*openRun, error) {
	name := escape(run)
	if len(name) > maxName {
		return nil, fmt.Errorf("run %.40q…: its id is too long for a file's name", run)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return nil, engine.ErrClosed
	}
	r := o.runs[run]
	if r == nil {
		dir := filepath.Join(o.dir.path, "runs", name)
		r = &openRun{id: run, dir: dir, log: newRunLog(o.dir, run, dir), channel: newRunChannel(o.dir, run, dir)}
		o.runs[run] = r
		o.evict()
	}
	o.clock++
	r.used = o.clock
	r.users++
	return r, nil
}

func (o *openRuns) release(r *openRun) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if r.users--; r.users == 0 {
		o.free.Broadcast()
	}
}

// evict closes the run that was not used for the longest time, when too many are
// open. One whose writes failed stays: it must not be had again as if they had
// not. The caller holds mu.
func (o *openRuns) evict() {
	if len(o.runs) <= o.dir.cfg.OpenRuns {
		return
	}
	var oldest *openRun
	for _, r := range o.runs {
		if r.users == 0 && r.used > 0 && (oldest == nil || r.used < oldest.used) && !r.failed() {
			oldest = r
		}
	}
	if oldest == nil {
		return
	}
	delete(o.runs, oldest.id)
	if err := oldest.close(); err != nil {
		o.dir.cfg.Logger.Error("close run", "run", oldest.id, "err", err)
	}
}

// forget takes a run out; who comes next finds another.
func (o *openRuns) forget(r *openRun) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.runs[r.id] == r {
		delete(o.runs, r.id)
	}
}

// each calls f with every open run.
func (o *openRuns) each(f func(*openRun)) {
	o.mu.Lock()
	all := make([]*openRun, 0, len(o.runs))
	for _, r := range o.runs {
		r.users++
		all = append(all, r)
	}
	o.mu.Unlock()
	for _, r := range all {
		f(r)
		o.release(r)
	}
}

// close waits until nobody uses a run, and closes all.
func (o *openRuns) close() error {
	o.mu.Lock()
	o.closed = true
	o.mu.Unlock()
	o.each(func(r *openRun) { r.channel.end(engine.ErrClosed) })
	o.mu.Lock()
	defer o.mu.Unlock()
	var errs []error
	for id, r := range o.runs {
		for r.users > 0 {
			o.free.Wait()
		}
		errs = append(errs, r.close())
		delete(o.runs, id)
	}
	return errors.Join(errs...)
}

func (o *openRuns) isClosed() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.closed
}

func (r *openRun) close() error { return errors.Join(r.log.close(), r.channel.close()) }

func (r *openRun) failed() bool { return r.log.failed() || r.channel.failed() }

// maxName is the longest name of a directory: less than any file system's most.
const maxName = 200

const plain = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz-"

// escape makes a file name of a run's id: all but letters, digits, _ and - is
// %XX. The empty id is %.
func escape(run string) string {
	if run == "" {
		return "%"
	}
	var b strings.Builder
	for i := range len(run) {
		if strings.IndexByte(plain, run[i]) >= 0 {
			b.WriteByte(run[i])
		} else {
			fmt.Fprintf(&b, "%%%02X", run[i])
		}
	}
	return b.String()
}

// unescape is the id that a name was made of; false when of none.
func unescape(name string) (string, bool) {
	if name == "%" {
		return "", true
	}
	var id []byte
	for i := 0; i < len(name); i++ {
		if name[i] != '%' {
			id = append(id, name[i])
			continue
		}
		var c byte
		if i+3 > len(name) {
			return "", false
		}
		if _, err := fmt.Sscanf(name[i+1:i+3], "%02X", &c); err != nil {
			return "", false
		}
		id = append(id, c)
		i += 2
	}
	return string(id), len(id) > 0 && escape(string(id)) == name
}
