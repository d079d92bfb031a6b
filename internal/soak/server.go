package soak

import (
	"context"
	"log/slog"
	"path/filepath"

	"github.com/graflow/graflow-wasm/natsbus/embedded"
)

// user is as whom workers and the driver come.
const user = "soak"

// serve is a NATS server, one of a cluster if there are routes.
func serve(ctx context.Context, c *childConfig, log *slog.Logger) error {
	cfg := embedded.Config{
		Dir: c.Dir, Name: c.Name, Listen: c.Listen, Credentials: c.Credentials,
		Users: []embedded.User{{Name: user, All: true}}, Logger: log,
	}
	if len(c.Routes) > 0 {
		cfg.Cluster = embedded.Cluster{Name: "soak", Listen: c.Cluster, Routes: c.Routes}
	}
	s, err := embedded.Start(ctx, cfg)
	if err != nil {
		return err
	}
	sayReady()
	<-ctx.Done()
	s.Drain()
	return nil
}

// seedOf is the file that a server leaves for the user.
func seedOf(credentials string) string { return filepath.Join(credentials, user+".nk") }
