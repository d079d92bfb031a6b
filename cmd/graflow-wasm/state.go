package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/graflow/graflow-wasm/internal/control"
	"github.com/graflow/graflow-wasm/statedir"
	"github.com/spf13/pflag"
)

// stateVariable names the state directory where no flag does.
const stateVariable = "GRAFLOW_WASM_STATE"

// stateFlags say where runs are kept, and how.
type stateFlags struct {
	dir  string
	sync *choice
	flag *pflag.Flag
}

func (s *stateFlags) addTo(f *pflag.FlagSet, usage string) {
	f.StringVar(&s.dir, "state", "", usage)
	s.flag = f.Lookup("state")
}

func (s *stateFlags) addSync(f *pflag.FlagSet) {
	s.sync = &choice{value: "always", of: []string{"always", "interval", "never"}}
	f.Var(s.sync, "sync", "when what --state keeps counts as stored: at once, within 100 ms, or as the system likes; kill -9 loses nothing with any of them, a loss of power may")
}

// path is the directory, "" for none. An empty flag goes before the variable.
func (s *stateFlags) path() string {
	if !s.given() {
		return os.Getenv(stateVariable)
	}
	return s.dir
}

// given tells whether the directory was given as a flag.
func (s *stateFlags) given() bool { return s.flag != nil && s.flag.Changed }

// used tells whether there is a directory.
func (s *stateFlags) used() bool { return s.path() != "" }

// config says how to keep runs.
func (s *stateFlags) config() statedir.Config {
	c := statedir.Config{}
	if s.sync != nil {
		c.Sync = map[string]statedir.Sync{
			"always": statedir.SyncAlways, "interval": statedir.SyncInterval, "never": statedir.SyncNever,
		}[s.sync.value]
	}
	return c
}

// argument is what a command line needs to mean the same directory.
func (s *stateFlags) argument() string {
	if !s.given() {
		return ""
	}
	return " --state " + shellQuote(s.dir)
}

// existing wants the flags to name a directory that is there: what only reads
// makes none.
func (s *stateFlags) existing() error {
	path := s.path()
	if path == "" {
		return usagef("which runs? Give --state DIR, or set %s; of a cluster: --nats URL, or %s", stateVariable, clusterVariable)
	}
	if _, err := os.Stat(filepath.Join(path, "format")); errors.Is(err, fs.ErrNotExist) {
		return usagef("open state directory %s: no runs are kept there; `graflow-wasm run --state %s` makes it", path, shellQuote(path))
	}
	return nil
}

// openFor is how long a directory is waited for that is in use by a process that
// can't be talked to: one that only reads, or that begins or ends.
const openFor = 5 * time.Second

// open opens the directory, or reaches the process that has it open; one of the
// two is not nil.
func (s *stateFlags) open(ctx context.Context) (*statedir.Dir, *control.Client, error) {
	dir, client, err := s.openOrReach(ctx)
	if client != nil {
		err = nil
	}
	return dir, client, err
}

// take is open for who needs the directory itself.
func (s *stateFlags) take(ctx context.Context) (*statedir.Dir, error) {
	dir, client, err := s.openOrReach(ctx)
	if client != nil {
		client.Close()
	}
	return dir, err
}

// openOrReach is open with statedir.ErrInUse beside the client.
func (s *stateFlags) openOrReach(ctx context.Context) (*statedir.Dir, *control.Client, error) {
	for end := time.Now().Add(openFor); ; {
		dir, err := statedir.Open(s.path(), s.config())
		if err == nil {
			return dir, nil, nil
		}
		if !errors.Is(err, statedir.ErrInUse) {
			return nil, nil, openFault(err)
		}
		client, dialErr := s.dial(ctx)
		if errors.Is(dialErr, control.ErrSilent) {
			return nil, nil, fmt.Errorf("%w\nThat %w: is it stopped?", err, dialErr)
		}
		if dialErr == nil || time.Now().After(end) {
			return nil, client, err
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return nil, nil, fmt.Errorf("open state directory %s: %w", s.path(), ctx.Err())
		}
	}
}

func (s *stateFlags) dial(ctx context.Context) (*control.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, openFor)
	defer cancel()
	return control.Dial(ctx, s.path())
}

// openFault is why a directory can't be opened: bad usage if it is none in which
// runs are kept, else a fault of the system.
func openFault(err error) error {
	_, ofSystem := errors.AsType[syscall.Errno](err)
	if ofSystem && !errors.Is(err, syscall.ENOTDIR) {
		return err
	}
	if errors.Is(err, syscall.ENOTDIR) {
		err = fmt.Errorf("%w; give a directory, which is made if it is not there", err)
	}
	return usage(err)
}
