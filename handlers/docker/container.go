package docker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/pkg/stdcopy"
)

// patience bounds how long the daemon may take to answer: also one that is busy with
// many containers does so.
const patience = time.Minute

// ask asks the daemon for one thing, and does not wait for one that hangs.
func (h *Handler) ask(ctx context.Context, doing string, call func(context.Context) error) error {
	bounded, cancel := context.WithTimeout(ctx, h.patience)
	defer cancel()
	err := call(bounded)
	switch {
	case err == nil:
		return nil
	case bounded.Err() != nil && ctx.Err() == nil:
		return passing(KindUnavailable, "%s: the Docker daemon has not answered for %s: look at it, or start it again", doing, h.patience)
	}
	return ofDaemon(doing, err)
}

// alone runs the command in a container of its own.
func (a *attempt) alone(ctx context.Context, img image.InspectResponse, at place) (end ended, err error) {
	c, err := a.handler.create(ctx, a.settings, img, at)
	if err != nil {
		return ended{}, err
	}
	defer func() {
		if a.settings.autoRemove {
			err = errors.Join(err, c.remove(ctx))
		}
		c.close()
	}()
	copied := make(chan error, 1)
	go func() { copied <- a.copyStreams(c.stream.Reader) }()
	if err := c.start(ctx); err != nil {
		c.stream.Close()
		return ended{}, errors.Join(err, <-copied)
	}
	go func() { // it ends with the stream at the latest
		_, _ = c.stream.Conn.Write(a.stdin())
		_ = c.stream.CloseWrite()
	}()
	end, err = c.wait(ctx, a.settings.stopTimeout)
	// With the container ends its stream, unless it could not be stopped.
	late := time.AfterFunc(min(lastWords, a.handler.patience), c.stream.Close)
	defer late.Stop()
	return end, errors.Join(err, <-copied)
}

// lastWords is how long what a container has printed may take to be here after its
// end.
const lastWords = 10 * time.Second

func (a *attempt) stdin() []byte {
	if len(a.call.Input) == 0 {
		return []byte("null\n")
	}
	return append(bytes.Clone(a.call.Input), '\n')
}

// copyStreams takes what the command prints until it has ended.
func (a *attempt) copyStreams(from io.Reader) error {
	var stdout io.Writer = &a.outLog
	if a.stdout != nil {
		stdout = a.stdout
	}
	_, err := stdcopy.StdCopy(stdout, &a.errLog, from)
	if err != nil && !isClosed(err) {
		return fmt.Errorf("read what the container prints: %w", err)
	}
	return nil
}

// create makes a container and attaches to it.
func (h *Handler) create(ctx context.Context, s *settings, img image.InspectResponse, at place) (*created, error) {
	at.Image = img.ID
	if img.Config != nil {
		at.ImageUser, at.Entrypoint, at.Cmd = img.Config.User, img.Config.Entrypoint, img.Config.Cmd
		at.Volumes = slices.Sorted(maps.Keys(img.Config.Volumes))
		for name := range img.Config.Labels {
			if _, ours := at.Labels[name]; !ours && strings.HasPrefix(name, labelPrefix) {
				at.Labels[name] = "" // or an image could say what is to become of its containers
			}
		}
	}
	at.CPUs = h.cpus
	c, err := h.make(ctx, s, at)
	if err == nil && s.user == "" && named(at.ImageUser) {
		c, err = c.unlessRoot(ctx, s, at)
	}
	if err != nil {
		return nil, err
	}
	if err = context.Cause(ctx); err == nil {
		err = c.attach(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, c.remove(ctx))
	}
	c.expect(ctx)
	return c, nil
}

// make has the daemon make a container, also once ctx is over: it would, and then
// nobody would know the container's id.
func (h *Handler) make(ctx context.Context, s *settings, at place) (*created, error) {
	config, host := s.containerConfig(at)
	var made container.CreateResponse
	err := h.ask(context.WithoutCancel(ctx), "create the container", func(ctx context.Context) (err error) {
		made, err = h.docker.ContainerCreate(ctx, config, host, nil, nil, "")
		return err
	})
	for _, warning := range made.Warnings {
		h.config.Logger.Warn("docker", "container", made.ID, "warning", warning)
	}
	return &created{handler: h, id: made.ID}, err
}
