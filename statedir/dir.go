package statedir

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/dirlock"
)

// Sync says when a write counts as stored.
type Sync uint8

// Syncs. With each of them a write that was reported survives the end of the
// process, kill -9 too; they differ in what a loss of power or a crash of the
// system takes.
const (
	// SyncAlways: nothing that was reported is lost.
	SyncAlways Sync = iota
	// SyncInterval: what was written in the last Config.SyncInterval may be
	// lost, from some write on.
	SyncInterval
	// SyncNever: the system writes when it likes; a run may become unreadable.
	SyncNever
)

// Config says how a directory is kept. The zero value is ready to use.
type Config struct {
	// Sync is when a write counts as stored; the default is SyncAlways.
	Sync Sync
	// SyncInterval is the time between syncs with SyncInterval; 0 is 100 ms.
	SyncInterval time.Duration
	// SegmentSize is the size in bytes from which on a journal goes on in
	// another file; 0 is 16 MiB. Trimmed events go away by whole files.
	SegmentSize int64
	// OpenRuns is how many runs are kept open that nobody uses at the
	// moment; 0 is 64.
	OpenRuns int
	// Logger is told of torn writes that were cut, and of faults that no
	// caller can be told; nil is slog.Default().
	Logger *slog.Logger
}

// Dir is a state directory that this process has open. It is safe for concurrent
// use.
type Dir struct {
	path      string
	cfg       Config
	files     fileSystem
	lock      io.Closer
	temporary atomic.Uint64 // names in tmp
	runs      *openRuns
	backend   *engine.Backend
	closed    atomic.Bool
	stop      chan struct{} // ends the syncer
	stopped   chan struct{}
}

const (
	formatFile = "format"
	formatText = "graflow-wasm state 1\n"
)

// Open opens a state directory, or makes one in a place that is empty or not
// there. Errors are ErrInUse when another process has it open, ErrVersion, and
// those of the system. The files of runs are read when they are first used.
func Open(path string, c Config) (*Dir, error) {
	return open(path, c, osFiles{})
}

func open(path string, c Config, files fileSystem) (*Dir, error) {
	if c.SyncInterval <= 0 {
		c.SyncInterval = 100 * time.Millisecond
	}
	if c.SegmentSize <= 0 {
		c.SegmentSize = 16 << 20
	}
	if c.OpenRuns <= 0 {
		c.OpenRuns = 64
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open state directory: %w", err)
	}
	d := &Dir{path: path, cfg: c, files: files}
	if err := d.take(); err != nil {
		return nil, fmt.Errorf("open state directory %s: %w", path, err)
	}
	d.runs = newOpenRuns(d)
	memory := engine.InMemory()
	d.backend = &engine.Backend{
		Journal: &journal{d},
		Queue:   memory.Queue,
		Timers:  memory.Timers,
		Channel: &channel{dir: d, locks: memory.Channel},
		Blobs:   &blobs{d},
	}
	if c.Sync == SyncInterval {
		d.stop, d.stopped = make(chan struct{}), make(chan struct{})
		go d.syncNowAndThen()
	}
	return d, nil
}

// take locks the directory and makes what is missing in it.
func (d *Dir) take() error {
	if err := d.checkFormat(); err != nil {
		return err
	}
	if err := os.MkdirAll(d.path, 0o700); err != nil {
		return err
	}
	lock, err := dirlock.Take(filepath.Join(d.path, "lock"), ErrInUse)
	if err != nil {
		return err
	}
	if err := d.lay(); err != nil {
		lock.Close()
		return err
	}
	d.lock = lock
	return nil
}

// checkFormat refuses a directory of another version, and one that is something
// else. Another process may be making it: what the format stands for comes after
// the format, so the names are read before it.
func (d *Dir) checkFormat() error {
	entries, err := os.ReadDir(d.path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	text, err := os.ReadFile(filepath.Join(d.path, formatFile))
	switch {
	case err == nil && string(text) == formatText:
		return nil
	case err == nil && newerFormat(string(text)):
		return fmt.Errorf("its format is %.40q, this program reads %q: %w: %w", text, formatText, ErrVersion, engine.ErrNewer)
	case err == nil:
		return fmt.Errorf("its format is %.40q, this program reads %q: %w", text, formatText, ErrVersion)
	case !errors.Is(err, os.ErrNotExist):
		return err
	}
	for _, e := range entries {
		if n := e.Name(); n != "lock" && n != "tmp" { // left by a process that ended before it wrote format
			return fmt.Errorf("it holds %q and no state; name a directory that is empty or not there", n)
		}
	}
	return nil
}

// newerFormat tells whether a format is one of ours, with a higher number.
func newerFormat(text string) bool {
	var v int
	_, err := fmt.Sscanf(text, "graflow-wasm state %d\n", &v)
	return err == nil && v > version
}

// lay makes the directory's own files. The caller holds the lock.
func (d *Dir) lay() error {
	if err := os.RemoveAll(filepath.Join(d.path, "tmp")); err != nil {
		return err
	}
	for _, name := range []string{"tmp", "runs", "blobs"} {
		if name == "runs" {
			if err := d.mark(); err != nil {
				return err
			}
		}
		if err := d.makeDir(filepath.Join(d.path, name)); err != nil {
			return err
		}
	}
	return nil
}

// mark writes the format, before anything that needs one.
func (d *Dir) mark() error {
	name := filepath.Join(d.path, formatFile)
	if _, err := os.Stat(name); err == nil {
		return nil
	}
	return d.writeFile(name, []byte(formatText), SyncAlways)
}

// Backend is what an engine runs over. It ends with the Dir: then its methods
// return engine.ErrClosed.
func (d *Dir) Backend() *engine.Backend { return d.backend }

// Runs lists the runs that have a journal, sorted.
func (d *Dir) Runs(ctx context.Context) ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(d.path, "runs"))
	if err != nil {
		return nil, fmt.Errorf("list runs: %w", err)
	}
	runs := []string{}
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("list runs: %w", err)
		}
		run, ok := unescape(e.Name())
		if !ok || !e.IsDir() {
			continue
		}
		files, err := os.ReadDir(filepath.Join(d.path, "runs", e.Name()))
		if err != nil && !errors.Is(err, os.ErrNotExist) { // removed meanwhile
			return nil, fmt.Errorf("list runs: %w", err)
		}
		for _, f := range files {
			if strings.HasSuffix(f.Name(), journalSuffix) {
				runs = append(runs, run)
				break
			}
		}
	}
	return runs, nil
}

// Remove drops all that is kept of a run: journal, channel and blobs. None is no
// error. It also removes runs whose files are corrupt.
func (d *Dir) Remove(ctx context.Context, run string) error {
	b := d.backend
	return errors.Join(b.Journal.Forget(ctx, run), b.Channel.Forget(ctx, run), b.Blobs.Forget(ctx, run))
}

// Close ends the watches of channels, waits for what is being written, syncs what
// was not, and gives the directory free. Engines that run over it must have been
// closed before. A second call does nothing.
func (d *Dir) Close() error {
	if d.closed.Swap(true) {
		return nil
	}
	err := d.runs.close()
	if d.stop != nil {
		close(d.stop)
		<-d.stopped
	}
	return errors.Join(err, d.lock.Close())
}

func (d *Dir) syncNowAndThen() {
	defer close(d.stopped)
	tick := time.NewTicker(d.cfg.SyncInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			d.runs.each(func(r *openRun) {
				r.log.syncNow()
				r.channel.syncNow()
			})
		case <-d.stop:
			return
		}
	}
}
