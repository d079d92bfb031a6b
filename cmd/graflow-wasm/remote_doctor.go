package main

import (
	"context"
	"errors"
	"time"

	"github.com/graflow/graflow-wasm/internal/ops"
)

// api looks at a server through its API, and at the cluster that it is of. Its error
// is bad usage.
func (f *findings) api(ctx context.Context, where *clusterFlags) error {
	asking, err := where.ask()
	if errors.Is(err, ops.ErrUnavailable) { // no server runs in the directory
		f.unreachable = true
		f.wrong("server", "", "%s", err)
		return nil
	}
	if err != nil {
		return err
	}
	defer asking.Close()
	look, cancel := context.WithTimeout(ctx, examineFor)
	defer cancel()
	began := time.Now()
	about, err := asking.About(look)
	switch {
	case errors.Is(err, ops.ErrUnavailable), errors.Is(err, context.DeadlineExceeded):
		f.unreachable = true
		f.wrong("server", "start it, or see what is in the way: graflow-wasm server --listen HOST:PORT", "%s", err)
		return nil
	case err != nil:
		return refused(failed("doctor", err))
	}
	f.ok("server", "graflow-wasm %s answers for namespace %s, within %s", about.Version, about.Namespace, time.Since(began).Round(time.Millisecond/10))
	f.ok("role", "it knows you as %s, of the role %s", about.Name, about.Role)
	if own := thisBuild().Version; about.Version != own {
		f.warn("versions", "bring both to the newest", "the server is of version %s, this program of %s", about.Version, own)
	}
	there := remoteFleet{asking.Service()}
	within(ctx, func(ctx context.Context) { f.work(ctx, there) })
	within(ctx, func(ctx context.Context) { f.deadLetters(ctx, there) })
	return nil
}
