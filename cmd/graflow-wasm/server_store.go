package main

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/graflow/graflow-wasm/natsbus"
	"github.com/graflow/graflow-wasm/natsbus/embedded"
)

// whileStored is ctx until the server's store fails, which is its cause then. The
// caller stops it.
func whileStored(ctx context.Context, srv *embedded.Server) (stored context.Context, stop func()) {
	stored, end := context.WithCancelCause(ctx)
	var wait sync.WaitGroup
	wait.Go(func() {
		select {
		case <-srv.Failed():
			end(srv.Err())
		case <-stored.Done():
		}
	})
	return stored, func() {
		end(nil)
		wait.Wait()
	}
}

// storeFault is err, or what the store of the server has failed of: all else follows
// from that.
func (o *serverOptions) storeFault(srv *embedded.Server, err error) error {
	fault := srv.Err()
	if fault == nil {
		return err
	}
	return &exitError{Code: exitFailed, Err: fmt.Errorf("%w\nWhat was acknowledged is kept, and runs go on with the next server: free space there, or mend the disk, and start it again: graflow-wasm server --dir %s", fault, shellQuote(o.dir))}
}

// startFault is why a server can't start: bad usage, unless it is for want of space.
func (o *serverOptions) startFault(err error) error {
	switch {
	case noSpace(err):
		return &exitError{Code: exitFailed, Err: err}
	case errors.Is(err, natsbus.ErrNoSpace):
		return &exitError{Code: exitFailed, Err: fmt.Errorf("%w\nThree quarters of what is free on the disk of %s are for what is stored: free space there", err, o.dir)}
	}
	return err
}
