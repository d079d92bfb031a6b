package console

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/layout"
	"github.com/graflow/graflow-wasm/internal/ops"
)

// Config says what a Console shows, and to whom. Service and Authenticate are required.
type Config struct {
	// Service is what is shown. Its parts that are nil have no pages.
	Service ops.Service
	// Authenticate tells the role and the name of who has a token, and whether
	// anybody has it.
	Authenticate func(token string) (ops.Role, string, bool)
	// Draw lays a graph out, as layout.Layout.Graph, which may take its time: what it
	// returns is kept by the graph's digest. nil: graphs are not drawn.
	Draw func(ctx context.Context, g *engine.Graph) (*layout.Drawing, error)
	// Cookie is the name of the cookie with the token of who has logged in; "" is
	// [Cookie]. Servers of one host need one each.
	Cookie string
	// TryLogin counts a try to log in from an address, before its token is looked at: it
	// tells how long to wait if there were too many, else 0. nil: there is no bound.
	TryLogin func(remote string) time.Duration
	// Beat is how long a stream is silent at most, and for how long it still tells
	// somebody whose token was taken back; 0 is 15 s.
	Beat time.Duration
	// MaxModule is the largest module that is taken, in bytes; 0 is 256 MiB.
	MaxModule int64
	// Log takes what nobody can be told; nil: nothing.
	Log *slog.Logger
}

// Console serves the pages. It is safe for concurrent use.
type Console struct {
	Config

	handler  http.Handler
	drawings *drawings
	now      func() time.Time
}

// New makes a Console. Close it to end what it has begun in the background.
func New(cfg Config) (*Console, error) {
	if cfg.Authenticate == nil {
		return nil, errors.New("console: Config.Authenticate is required")
	}
	if cfg.Cookie == "" {
		cfg.Cookie = Cookie
	}
	if cfg.Beat == 0 {
		cfg.Beat = liveBeat
	}
	if cfg.TryLogin == nil {
		cfg.TryLogin = func(string) time.Duration { return 0 }
	}
	if cfg.MaxModule == 0 {
		cfg.MaxModule = 256 << 20
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	c := &Console{Config: cfg, drawings: newDrawings(cfg.Draw), now: time.Now}
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(http.HandlerFunc(c.denyOrigin))
	c.handler = secure(protection.Handler(c.routes()))
	return c, nil
}

// Handler answers all requests for the console, from / on.
func (c *Console) Handler() http.Handler { return c.handler }

// Close ends the layouts that are under way, and waits for them.
func (c *Console) Close() { c.drawings.close() }
