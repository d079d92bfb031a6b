package embedded

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"
)

// ErrInUse is the directory of a server that runs.
var ErrInUse = errors.New("in use")

// Server is a NATS server in this process. It is safe for concurrent use.
type Server struct {
	cfg  Config
	nats *server.Server
	own  nkeys.KeyPair // as whom this process connects
	lock io.Closer     // of the directory
	stop sync.Once
}

// Start runs a server, until Shutdown. It returns once clients can connect; a
// cluster may not have a leader by then. The error of a directory that another
// server uses is ErrInUse.
func Start(ctx context.Context, cfg Config) (*Server, error) {
	if cfg.Dir == "" {
		return nil, errors.New("start a NATS server: Config.Dir is empty")
	}
	if cfg.Credentials == "" {
		cfg.Credentials = filepath.Join(cfg.Dir, "credentials")
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	for _, dir := range []string{cfg.Dir, cfg.Credentials} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("start a NATS server: %w", err)
		}
	}
	lock, err := takeLock(filepath.Join(cfg.Dir, "lock"))
	if err != nil {
		return nil, fmt.Errorf("start a NATS server in %s: %w", cfg.Dir, err)
	}
	s := &Server{cfg: cfg, lock: lock}
	if err := s.start(ctx); err != nil {
		s.Shutdown()
		return nil, fmt.Errorf("start a NATS server in %s: %w", cfg.Dir, err)
	}
	return s, nil
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
	log := &logger{log: s.cfg.Logger}
	s.nats.SetLoggerV2(log, false, false, false)
	s.nats.Start()
	if err := errors.Join(log.err(), ctx.Err()); err != nil {
		return err
	}
	if !s.nats.ReadyForConnections(10 * time.Second) {
		return errors.Join(errors.New("it does not listen after 10 s"), log.err())
	}
	return log.err()
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

// Credentials is the file with the seed of a user.
func (s *Server) Credentials(user string) string { return seedFile(s.cfg.Credentials, user) }

// Shutdown stops the server and gives the directory back. Whoever is connected is
// disconnected. What was acknowledged is kept.
func (s *Server) Shutdown() {
	s.stop.Do(func() {
		if s.nats != nil {
			s.nats.Shutdown()
			s.nats.WaitForShutdown()
		}
		_ = s.lock.Close() // the process's end gives it back otherwise
	})
}
