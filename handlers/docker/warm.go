package docker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/docker/docker/api/types/image"

	"github.com/graflow/graflow-wasm/handlers/docker/inside"
	"github.com/graflow/graflow-wasm/handlers/docker/internal/lines"
	"github.com/graflow/graflow-wasm/handlers/docker/internal/pooled"
)

// LabelPool is on a container that runs one attempt after another: which pool it is of.
const LabelPool = "graflow.pool"

// warm is a container that runs one attempt after another. One goroutine uses it at
// a time.
type warm struct {
	handler   *Handler
	key       string
	dir       string // what is mounted at /run/graflow
	image     image.InspectResponse
	container *created
	server    *pooled.Server
	copied    chan struct{} // closed when nothing more comes from the container

	jobs     int
	spent    bool
	eviction *time.Timer // while it is idle
}

// warmUp makes a container for attempts like this one.
func (h *Handler) warmUp(ctx context.Context, a *attempt, img image.InspectResponse) (_ *warm, err error) {
	w := &warm{handler: h, key: a.key(img), image: img, copied: make(chan struct{})}
	if w.dir, err = h.scratch.attempt(); err != nil {
		return nil, err
	}
	at, err := w.place(ctx, a)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(w.dir))
	}
	listener, err := pooled.Listen(w.dir)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(w.dir))
	}
	if w.container, err = h.create(ctx, a.settings, img, at); err != nil {
		return nil, errors.Join(err, listener.Close(), os.RemoveAll(w.dir))
	}
	go func() { // its server prints only what is wrong before it listens
		defer close(w.copied)
		_, _ = io.Copy(io.Discard, w.container.stream.Reader)
	}()
	if err = w.container.start(ctx); err == nil {
		w.server, err = w.accept(ctx, listener)
	}
	if err != nil {
		return nil, errors.Join(err, listener.Close(), w.remove(ctx))
	}
	return w, nil
}

// place is what the container is made at: what all attempts have in common.
func (w *warm) place(ctx context.Context, a *attempt) (place, error) {
	at := place{Dir: w.dir, Labels: w.handler.labels(), Env: map[string]string{}}
	at.Labels[LabelPool], at.Labels[LabelTask] = w.key, a.call.Task.ID
	return at, a.layInside(ctx, w.dir, &at)
}

// accept waits until the container's server is there.
func (w *warm) accept(ctx context.Context, listener *pooled.Listener) (*pooled.Server, error) {
	ctx, cancel := context.WithTimeout(ctx, w.handler.patience)
	defer cancel()
	died := make(chan error, 1)
	go func() {
		select {
		case end := <-w.container.waited:
			died <- passing(KindCommand, "the engine's binary does not run in the container: exit code %d", end.status.StatusCode)
		case <-ctx.Done():
			died <- nil
		}
		cancel()
	}()
	server, err := listener.Accept(ctx)
	cancel()
	return server, errors.Join(<-died, err)
}

// attempt runs one attempt's command.
func (w *warm) attempt(ctx context.Context, a *attempt, stop context.CancelCauseFunc) (ended, lines.Outcome, error) {
	w.jobs++
	laid, err := w.lay(ctx, a)
	var end ended
	var outcome lines.Outcome
	if err == nil {
		end, outcome, err = a.answered(w.dir, stop, func() (ended, error) { return w.run(ctx, a) }) //nolint:contextcheck // the socket is closed after the command has ended
	}
	for _, name := range laid {
		err = errors.Join(err, os.RemoveAll(name))
	}
	return end, outcome, err
}

// lay fills the directory with what is the attempt's own, and returns what that is.
func (w *warm) lay(ctx context.Context, a *attempt) ([]string, error) {
	err := errors.Join(
		give(filepath.Join(w.dir, inputFile), bytes.NewReader(a.stdin())),
		a.laySecrets(ctx, w.dir),
	)
	return []string{filepath.Join(w.dir, inputFile), filepath.Join(w.dir, secretsDir)}, err
}

// run has the container's server run the command.
func (w *warm) run(ctx context.Context, a *attempt) (ended, error) {
	job := pooled.Job{
		Work: pooled.Work{
			Command: a.settings.line(w.own()), Dir: a.settings.workdir,
			Grace: a.settings.stopTimeout.Milliseconds(),
		},
		Stdin: bytes.NewReader(a.stdin()), Stdout: &a.outLog, Stderr: &a.errLog,
	}
	if a.settings.module != "" {
		job.Command = []string{ownDir + "/" + binaryFile, inside.Word, inside.VerbWasm, ownDir + "/" + moduleFile, a.settings.export}
	}
	if a.stdout != nil {
		job.Stdout = a.stdout
	}
	env := a.environment()
	for _, name := range sorted(env) {
		job.Env = append(job.Env, name+"="+env[name])
	}
	if !graceful(ctx) {
		job.Grace = 0
	}
	exit, err := w.server.Run(ctx, job)
	end := ended{exit: int64(exit.Code), outOfMemory: exit.OutOfMemory}
	w.spent = exit.Spent != "" || errors.Is(err, pooled.ErrGone) || ctx.Err() != nil // what had to be stopped is not used again
	if errors.Is(err, pooled.ErrGone) && ctx.Err() == nil {
		return w.gone(ctx, err)
	}
	return end, err
}

// own is the part of a place that is the image's.
func (w *warm) own() place {
	if w.image.Config == nil {
		return place{}
	}
	return place{Entrypoint: w.image.Config.Entrypoint, Cmd: w.image.Config.Cmd}
}

// gone finds out why the server is.
func (w *warm) gone(ctx context.Context, err error) (ended, error) {
	ctx, cancel := context.WithTimeout(ctx, w.handler.patience)
	defer cancel()
	select {
	case waited := <-w.container.waited:
		end, judged := w.container.judge(ctx, waited)
		if judged == nil && end.outOfMemory {
			end.exit = max(end.exit, 1)
			return end, nil
		}
		return end, passing(KindExit, "the container ended under its task, with exit code %d: %w", end.exit, err)
	case <-ctx.Done():
		return ended{}, fmt.Errorf("the container does not answer: %w", err)
	}
}

// remove removes the container and its directory.
func (w *warm) remove(ctx context.Context) error {
	if w.server != nil {
		_ = w.server.Close() // it may be closed
	}
	err := w.container.remove(ctx)
	w.container.close()
	<-w.copied
	return errors.Join(err, os.RemoveAll(w.dir))
}
