package wasip1

import (
	"io"
	"math/rand/v2"
	"time"

	"github.com/graflow/graflow-wasm/wasmhost/internal/guestfs"
)

// DefaultOpenFiles is the number of files that a guest may hold open.
const DefaultOpenFiles = 256

// Config says what a guest sees. The zero value is a guest with empty stdin,
// output that is dropped, no files, the real clock and secure randomness.
type Config struct {
	// Args are the arguments, the program's name first; Env has "KEY=value"
	// strings in the order in which the guest gets them. A string must not hold
	// a zero byte: a guest would see it end there.
	Args []string
	Env  []string
	// Stdin is what the guest can read from descriptor 0.
	Stdin []byte
	// Stdout and Stderr take what is written to descriptors 1 and 2, in order.
	// The bytes are the guest's own memory and hold only during the call. An
	// error that is a guestfs.Errno reaches the guest, any other is EIO. A panic
	// passes through. Default: dropped.
	Stdout io.Writer
	Stderr io.Writer
	// Preopens become descriptors 3 and up. The caller closes them, after the
	// State.
	Preopens []Preopen
	// OpenFiles is how many files and directories may be open beside the
	// standard streams and the preopens; one more is EMFILE. Default:
	// DefaultOpenFiles; none if negative.
	OpenFiles int
	Clock     Clock
	Random    Random
}

// Preopen is a tree of files under the name by which the guest finds it, such as
// "/data".
type Preopen struct {
	GuestPath string
	FS        guestfs.FS
}

// State is what one attempt has of WASI. It is used by one goroutine at a time.
type State struct {
	config Config

	descriptors []descriptor // by number
	first       [4]descriptor
	lowest      int // no number below it is free
	opened      int // by the guest
	young       int // opened since Mark and still open
	changed     bool

	started time.Time
	slept   uint64 // on the virtual clock, in ns
	ahead   uint64 // of the machine's monotonic clock, in ns: see GoOn
	seeded  *rand.ChaCha8

	calls        [functionCount]uint64
	readBytes    int64
	writtenBytes int64
	stdinRead    bool // or tried
}

// New returns the state for one attempt. It costs one allocation if there is at
// most one preopen.
func New(config Config) *State {
	switch {
	case config.OpenFiles == 0:
		config.OpenFiles = DefaultOpenFiles
	case config.OpenFiles < 0:
		config.OpenFiles = 0
	}
	s := &State{config: config, started: time.Now()}
	s.descriptors = append(
		s.first[:0],
		descriptor{kind: stdin, base: stdinRights},
		descriptor{kind: stdout, base: outputRights},
		descriptor{kind: stderr, base: outputRights},
	)
	for i := range config.Preopens {
		s.descriptors = append(s.descriptors, descriptor{
			kind: directory, preopen: i + 1, tree: i,
			base: directoryRights, inheriting: directoryRights | fileRights,
		})
	}
	s.lowest = len(s.descriptors)
	return s
}

// Close closes all descriptors and answers with the first error in doing so.
// Every later use of a descriptor is EBADF.
func (s *State) Close() error {
	failed := guestfs.OK
	for fd := range s.descriptors {
		if s.descriptors[fd].kind == free {
			continue
		}
		if errno := s.remove(uint32(fd)); errno != guestfs.OK && failed == guestfs.OK {
			failed = errno
		}
	}
	s.config.OpenFiles = 0
	if failed != guestfs.OK {
		return failed
	}
	return nil
}
