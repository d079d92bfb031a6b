package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/graflow/graflow-wasm/internal/dirlock"
	"github.com/graflow/graflow-wasm/script"
	"github.com/graflow/graflow-wasm/statedir"
)

// sessionSuffix ends the file of a session, beside which is one that is locked.
const sessionSuffix = ".session"

// dirSessions keeps each session in a file of a directory, for nobody but this user:
// whatever the code held is in it. The file that is locked stays when the session goes:
// another process may just have opened it.
type dirSessions struct{ dir string }

var _ sessionStore = dirSessions{}

// openDirSessions are the sessions of a state directory, which is made if it is not
// there. It may be in use: sessions are no part of what its lock guards.
func openDirSessions(ctx context.Context, state *stateFlags) (sessionStore, error) {
	if _, err := os.Stat(filepath.Join(state.path(), "format")); errors.Is(err, fs.ErrNotExist) {
		dir, err := state.take(ctx)
		if err == nil {
			err = dir.Close()
		}
		if err != nil && !errors.Is(err, statedir.ErrInUse) { // another makes it
			return nil, err
		}
	}
	return dirSessions{filepath.Join(state.path(), "sessions")}, nil
}

func (d dirSessions) file(name string) string { return filepath.Join(d.dir, name+sessionSuffix) }

// Lock implements sessionStore.
func (d dirSessions) Lock(_ context.Context, name string) (func(), error) {
	if err := os.MkdirAll(d.dir, 0o700); err != nil {
		return nil, err
	}
	lock, err := dirlock.Take(filepath.Join(d.dir, name+".lock"), errSessionInUse)
	if errors.Is(err, errSessionInUse) { // another directory is no way out
		by := strings.TrimPrefix(strings.TrimSuffix(err.Error(), ", or use another directory"), errSessionInUse.Error())
		return nil, fmt.Errorf("%w%s", errSessionInUse, by)
	}
	if err != nil {
		return nil, err
	}
	return func() { _ = lock.Close() }, nil // it ends with the process, too
}

// Read implements sessionStore.
func (d dirSessions) Read(_ context.Context, name string) ([]byte, error) {
	data, err := os.ReadFile(d.file(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errNoSession
	}
	return data, err
}

// Write implements sessionStore.
func (d dirSessions) Write(_ context.Context, info sessionInfo, data []byte) error {
	part := d.file(info.Name) + ".part" // one process writes it, which has the lock
	f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(part, d.file(info.Name))
	}
	if err != nil {
		return errors.Join(err, ignoreMissing(os.Remove(part)))
	}
	return nil
}

// Remove implements sessionStore.
func (d dirSessions) Remove(_ context.Context, name string) error {
	err := os.Remove(d.file(name))
	if errors.Is(err, fs.ErrNotExist) {
		return errNoSession
	}
	return err
}

// List implements sessionStore. A session that can't be read has no language.
func (d dirSessions) List(context.Context) ([]sessionInfo, error) {
	entries, err := os.ReadDir(d.dir) // sorted
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var all []sessionInfo
	for _, e := range entries {
		name, ours := strings.CutSuffix(e.Name(), sessionSuffix)
		if !ours || !sessionNames.MatchString(name) {
			continue
		}
		info, infoErr := e.Info()
		if infoErr != nil { // it was removed meanwhile
			continue
		}
		one := sessionInfo{Name: name, Size: info.Size(), Used: info.ModTime().UTC()}
		one.Language = languageOfSession(filepath.Join(d.dir, e.Name()))
		all = append(all, one)
	}
	return all, err
}

func languageOfSession(file string) script.Language {
	s := script.NewSession()
	data, err := os.ReadFile(filepath.Clean(file))
	if err != nil || s.UnmarshalBinary(data) != nil {
		return ""
	}
	return s.Language()
}

// Close implements sessionStore.
func (dirSessions) Close() {}
