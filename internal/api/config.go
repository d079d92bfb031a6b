package api

import (
	"errors"
	"log/slog"
	"time"

	"github.com/graflow/graflow-wasm/internal/ops"
)

// Cookie begins the name of the cookie in which the console keeps a token, see
// [Tokens.Cookie].
const Cookie = "graflow_wasm_token"

// Config says what a Server serves, to whom, and how much of it. All but Service and
// Tokens may be left out: a zero is the default, a negative number of a rate no bound.
type Config struct {
	Service ops.Service
	Tokens  *Tokens
	// Logger gets a line for each request, and faults. nil: none.
	Logger *slog.Logger
	// Observe is told of each request that was answered. nil: nobody.
	Observe func(Answered)

	// MaxModule bounds a module, a checkpoint and their like, in bytes; 0 is 64 MiB.
	MaxModule int64
	// MaxCode bounds the code that is run with its files, in bytes; 0 is 16 MiB.
	MaxCode int64
	// MaxJSON bounds any other JSON, in bytes; 0 is 4 MiB.
	MaxJSON int64
	// MaxFlow bounds a flow file, in bytes; 0 is 1 MiB.
	MaxFlow int64
	// MaxSecret bounds a secret, in bytes; 0 is 64 KiB.
	MaxSecret int64
	// Uploads bounds how many bodies of more than 4 MiB are in memory at once, the
	// others wait; 0 is 4.
	Uploads int

	// BodyTime is how long a body may take to come, beside a second for each 64 KiB that
	// it may have; 0 is 30 s.
	BodyTime time.Duration
	// Timeout bounds what an operation takes, but those that stream or run code; 0 is
	// a minute.
	Timeout time.Duration
	// Rate is how many requests a token may make, per second; 0 is 200. Burst is how
	// many of them at once; 0 is twice the rate.
	Rate  float64
	Burst int
	// RefusedRate is how many requests without a good token are answered to an
	// address, per second; 0 is 1. RefusedBurst is how many at once; 0 is 20.
	RefusedRate  float64
	RefusedBurst int
	// LoginRate is how often an address may try to log in to the console, per second;
	// 0 is 1. LoginBurst is how often at once; 0 is 20.
	LoginRate  float64
	LoginBurst int

	// Streams bounds how many runs are followed at once, half of them by one token; 0
	// is 1000.
	Streams int
	// Heartbeat is how long a stream is silent at most; 0 is 15 s.
	Heartbeat time.Duration
	// Patience is how long a stream waits for its client to read on; 0 is 5 s.
	Patience time.Duration
}

// Answered is a request that was answered.
type Answered struct {
	Operation string // its id; "" of what is none
	Status    int
	Took      time.Duration // of a stream, as long as it was open
}

// large is the size from which on bodies count as uploads.
const large = 4 << 20

func (c Config) withDefaults() (Config, error) {
	if c.Tokens == nil {
		return c, errors.New("api: it needs tokens")
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Observe == nil {
		c.Observe = func(Answered) {}
	}
	fill(&c.MaxModule, 64<<20)
	fill(&c.MaxCode, 16<<20)
	fill(&c.MaxJSON, 4<<20)
	fill(&c.MaxFlow, 1<<20)
	fill(&c.MaxSecret, 64<<10)
	fill(&c.Uploads, 4)
	fill(&c.BodyTime, 30*time.Second)
	fill(&c.Timeout, time.Minute)
	fill(&c.Rate, 200)
	fill(&c.Burst, int(max(1, 2*c.Rate)))
	fill(&c.RefusedRate, 1)
	fill(&c.RefusedBurst, 20)
	fill(&c.LoginRate, 1)
	fill(&c.LoginBurst, 20)
	fill(&c.Streams, 1000)
	fill(&c.Heartbeat, 15*time.Second)
	fill(&c.Patience, 5*time.Second)
	return c, nil
}

func fill[T comparable](field *T, with T) {
	var zero T
	if *field == zero {
		*field = with
	}
}
