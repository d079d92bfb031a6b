package embedded

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"github.com/graflow/graflow-wasm/internal/dirlock"
)

// ErrInUse is the directory of a server that runs.
var ErrInUse = errors.New("in use")

// ErrStore is a server that stores nothing any more, as a write to its disk has failed.
var ErrStore = errors.New("the store has failed")

// Server is a NATS server in this process. It is safe for concurrent use.
type Server struct {
	cfg  Config
	nats *server.Server
	own  nkeys.KeyPair // as whom this process connects
	lock io.Closer     // of the directory
	log  *logger
	stop sync.Once
}

// Start runs a server, until Shutdown. It returns once clients can connect; that of
// a cluster can store later, see [Server.Ready]. The error of a directory that
// another server uses is ErrInUse.
func Start(ctx context.Context, cfg Config) (*Server, error) {
	cfg.Credentials = cmp.Or(cfg.Credentials, filepath.Join(cfg.Dir, "credentials"))
	cfg.Logger = cmp.Or(cfg.Logger, slog.Default())
	if err := cfg.check(); err != nil {
		return nil, fmt.Errorf("start a NATS server: %w", err)
	}
	s := &Server{cfg: cfg}
	err := s.prepare()
	if err == nil {
		err = s.start(ctx)
	}
	if err != nil {
		s.Shutdown()
		return nil, fmt.Errorf("start a NATS server in %s: %w", cfg.Dir, err)
	}
	return s, nil
}

// prepare makes the directories and locks the one of the server.
func (s *Server) prepare() (err error) {
	for _, dir := range []string{s.cfg.Dir, s.cfg.Credentials} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
	}
	if s.lock, err = dirlock.Take(filepath.Join(s.cfg.Dir, "lock"), ErrInUse); err != nil || s.cfg.Name != "" {
		return err
	}
	s.cfg.Name, err = secretIn(filepath.Join(s.cfg.Dir, "name"))
	return err
}

func (s *Server) start(ctx context.Context) error {
	o, own, err := s.cfg.options()
	if err != nil {
		return err
	}
	s.own = own
	if s.nats, err = server.NewServer(o); err != nil {
		return err
	}
	s.log = newLogger(s.lock, s.cfg.Logger)
	s.nats.SetLoggerV2(s.log, false, false, false)
	s.nats.Start()
	if err := errors.Join(s.log.err(), ctx.Err()); err != nil {
		return err
	}
	return s.listening(ctx)
}

// listening waits until the server takes connections. It stays silent about what
// keeps it from that, but in its log.
func (s *Server) listening(ctx context.Context) error {
	for deadline := time.Now().Add(30 * time.Second); ; {
		ready := s.nats.ReadyForConnections(100 * time.Millisecond)
		err := errors.Join(s.log.err(), ctx.Err())
		switch {
		case ready || err != nil:
			return err
		case time.Now().After(deadline):
			return errors.New("it does not listen after 30 s")
		}
	}
}

// Ready waits until the server can store: that of a cluster needs to hear from most
// of the others.
func (s *Server) Ready(ctx context.Context) error {
	for {
		health := s.nats.Healthz(&server.HealthzOptions{})
		if health.StatusCode == http.StatusOK {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the NATS server in %s is not ready: %s: %w", s.cfg.Dir, health.Error, ctx.Err())
		case <-time.After(20 * time.Millisecond): // it tells nobody when it is
		}
	}
}

// Failed is closed when a write to the disk has failed. The server answers then what
// is asked of it, but stores nothing: who publishes hears nothing. What it has
// acknowledged is there for the next one in its directory.
func (s *Server) Failed() <-chan struct{} { return s.log.broken }

// Err is ErrStore with the write that failed; nil if none has.
func (s *Server) Err() error {
	select {
	case <-s.log.broken:
		return fmt.Errorf("NATS server in %s: %w: %s", s.cfg.Dir, ErrStore, s.log.why)
	default:
		return nil
	}
}

// Connect connects within the process, as a user who may do everything.
func (s *Server) Connect(options ...nats.Option) (*nats.Conn, error) {
	public, err := s.own.PublicKey()
	if err != nil {
		return nil, err
	}
	return nats.Connect("", append(options, nats.InProcessServer(s.nats), nats.Nkey(public, s.own.Sign))...)
}

// ClientURL is where clients connect; "" without Config.Listen.
func (s *Server) ClientURL() string {
	if s.cfg.Listen == "" {
		return ""
	}
	return s.nats.ClientURL()
}

// Name is the server's name.
func (s *Server) Name() string { return s.nats.Name() }

// Credentials is the file with the seed of a user.
func (s *Server) Credentials(user string) string { return seedFile(s.cfg.Credentials, user) }

// Drain is a Shutdown that first hands over what the server leads in its cluster and
// sends clients to the other servers, which takes some seconds. A server that is
// alone is shut down at once.
func (s *Server) Drain() {
	if s.cfg.Cluster.Name != "" && s.cfg.Listen != "" {
		s.nats.LameDuckShutdown()
	}
	s.Shutdown()
}

// Shutdown stops the server and gives the directory back. Whoever is connected is
// disconnected. What was acknowledged is kept.
func (s *Server) Shutdown() {
	s.stop.Do(func() {
		if s.nats != nil {
			s.nats.Shutdown()
			s.nats.WaitForShutdown()
		}
		if s.lock != nil {
			_ = s.lock.Close() // the process's end gives it back otherwise
		}
	})
}
