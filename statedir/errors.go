package statedir

import (
	"errors"
	"fmt"

	"github.com/graflow/graflow-wasm/engine"
)

// Errors of a directory, beside those of the engine's backends.
var (
	// ErrInUse refuses a directory that another process has open.
	ErrInUse = errors.New("the state directory is in use")
	// ErrVersion refuses what another version has written.
	ErrVersion = errors.New("written by another version of graflow-wasm")
	// ErrFailed refuses what follows a failed write or sync. What was stored
	// before it is still there when the directory is opened anew.
	ErrFailed = errors.New("an earlier write to this file failed; mend the disk and open the directory anew")
)

// CorruptError is a file that holds something else than was written to it.
// Nothing of its run is read or changed.
type CorruptError struct {
	File   string
	Offset int64 // of the first byte that can't be understood
	Reason string
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("%s is corrupt at offset %d: %s; restore the file from a backup, or remove the run", e.File, e.Offset, e.Reason)
}

// unsound is why a record can't be understood: it is corrupt, unless a newer version
// has written it.
func unsound(file string, offset int, seq uint64, why error) error {
	if errors.Is(why, engine.ErrNewer) {
		return fmt.Errorf("%s: record %d: %w: %w", file, seq, ErrVersion, why)
	}
	return corrupt(file, offset, "record %d: %v", seq, why)
}

func corrupt(file string, offset int, format string, args ...any) error {
	return &CorruptError{File: file, Offset: int64(offset), Reason: fmt.Sprintf(format, args...)}
}
