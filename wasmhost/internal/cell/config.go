package cell

import (
	"errors"
	"log/slog"
	"runtime"
	"time"
)

// Why there is no cell.
var (
	// ErrSystem says that this system has no cells.
	ErrSystem = errors.New("cells need Linux")
	// ErrChild says that main did not call Child.
	ErrChild = errors.New("this program can't start cells: the first thing in its main must be Child")
	// ErrClosed is returned by a Pool after Close.
	ErrClosed = errors.New("cells are closed")
)

// Config bounds a pool. Its zero value is the default.
type Config struct {
	// Max is how many cells are alive at once; Get waits for more. 0: four for
	// each CPU that Go uses.
	Max int
	// Idle is how many cells are kept that nobody uses. 0: one for each CPU that Go
	// uses; negative: none.
	Idle int
	// IdleFor is how long a cell is kept that nobody uses. 0: a minute.
	IdleFor time.Duration
	// Calls is after how many uses a cell is replaced. 0: 10000.
	Calls int
	// Modules is after how many calls of Took a cell is replaced. 0: 64.
	Modules int
	// Age is after how long a cell is replaced when it is given back. 0: 10
	// minutes.
	Age time.Duration
	// Memory is how many bytes a cell may have written to, beyond what the program
	// takes itself, and the most in one file. 0: 4 GiB.
	Memory int64
	// Space is how many bytes of addresses it may reserve beyond that. 0: 64 GiB.
	Space int64
	// Scratch is the room for files in the cell's own root directory, which is in
	// memory. 0: a quarter of Memory.
	Scratch int64
	// Heartbeat is how often a cell gives a sign of life; one that gave none for
	// five is killed. 0: a second.
	Heartbeat time.Duration
	// Start is how long a new cell may take until it serves. 0: 20 seconds.
	Start time.Duration
	// MaxFrame bounds the frames that the parent reads, in bytes. 0:
	// DefaultMaxFrame.
	MaxFrame int64
	// Logger is told of cells that died; nil: nobody.
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	cpus := runtime.GOMAXPROCS(0)
	def(&c.Max, 4*cpus)
	if c.Idle < 0 {
		c.Idle = 0
	} else {
		def(&c.Idle, cpus)
	}
	def(&c.IdleFor, time.Minute)
	def(&c.Calls, 10000)
	def(&c.Modules, 64)
	def(&c.Age, 10*time.Minute)
	def(&c.Memory, 4<<30)
	def(&c.Space, 64<<30)
	def(&c.Scratch, c.Memory/4)
	def(&c.Heartbeat, time.Second)
	def(&c.Start, 20*time.Second)
	def(&c.MaxFrame, DefaultMaxFrame)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

func def[T int | int64 | time.Duration](v *T, value T) {
	if *v <= 0 {
		*v = value
	}
}

// silence is how long a cell may give no sign of life.
func (c Config) silence() time.Duration { return 5 * c.Heartbeat }

// Stats count a pool's cells.
type Stats struct {
	Alive   int // in use or idle, or being started
	Idle    int // of those, waiting for use
	Waiting int // callers of Get that wait for a cell

	Started  uint64 // since New, that began to serve
	Recycled uint64 // ended by the pool: by use, age, or want of room
	Died     uint64 // ended by themselves, or killed by their user
	Stuck    uint64 // of Died, killed since they gave no sign of life
}
