package docker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/docker/docker/api/types"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/errdefs"
	"github.com/docker/docker/pkg/stdcopy"
)

// patience bounds how long the daemon may take for what ends a container.
const patience = 30 * time.Second

// created is a container, until it is removed.
type created struct {
	handler *Handler
	id      string
	stream  types.HijackedResponse
	waited  chan waited // gets one
}

// waited is what the daemon says when the container has ended.
type waited struct {
	status container.WaitResponse
	err    error
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
		c.stream.Close()
	}()
	copied := make(chan error, 1)
	go func() { copied <- a.copyStreams(c.stream.Reader) }()
	if err := c.start(ctx); err != nil {
		c.stream.Close()
		<-copied
		return ended{}, err
	}
	go func() { // it ends with the stream at the latest
		_, _ = c.stream.Conn.Write(a.stdin())
		_ = c.stream.CloseWrite()
	}()
	end, err = c.wait(ctx, a.settings.stopTimeout)
	if err != nil {
		c.stream.Close()
		return end, errors.Join(err, <-copied)
	}
	return end, <-copied
}

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
	}
	config, host := s.containerConfig(at)
	made, err := h.docker.ContainerCreate(ctx, config, host, nil, nil, "")
	if err != nil {
		return nil, ofDaemon("create the container", err)
	}
	c := &created{handler: h, id: made.ID}
	for _, warning := range made.Warnings {
		h.config.Logger.Warn("docker", "container", made.ID, "warning", warning)
	}
	c.stream, err = h.docker.ContainerAttach(ctx, c.id, container.AttachOptions{Stream: true, Stdin: true, Stdout: true, Stderr: true})
	if err != nil {
		return nil, errors.Join(ofDaemon("attach to the container", err), c.remove(ctx))
	}
	exit, failed := h.docker.ContainerWait(context.WithoutCancel(ctx), c.id, container.WaitConditionNextExit)
	c.waited = make(chan waited, 1)
	go func() { // until the container is removed, if not before
		select {
		case status := <-exit:
			c.waited <- waited{status: status}
		case err := <-failed:
			c.waited <- waited{err: ofDaemon("wait for the container", err)}
		}
	}()
	return c, nil
}

func (c *created) start(ctx context.Context) error {
	if err := c.handler.docker.ContainerStart(ctx, c.id, container.StartOptions{}); err != nil {
		return ofDaemon("start the container", err)
	}
	return nil
}

// wait waits for the end of a container that was started. If ctx ends before, the
// container is stopped, and the error is why.
func (c *created) wait(ctx context.Context, grace time.Duration) (ended, error) {
	select {
	case w := <-c.waited:
		return c.judge(ctx, w)
	case <-ctx.Done():
	}
	return ended{}, errors.Join(context.Cause(ctx), c.stop(ctx, grace))
}

// stop asks the container to end, and kills it if it has not by then.
func (c *created) stop(ctx context.Context, grace time.Duration) error {
	if !graceful(ctx) {
		grace = 0
	}
	seconds := int((grace + time.Second - 1) / time.Second) // which is how Docker counts
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace+patience)
	defer cancel()
	var err error
	if seconds > 0 {
		err = c.handler.docker.ContainerStop(ctx, c.id, container.StopOptions{Timeout: &seconds})
	} else {
		err = c.handler.docker.ContainerKill(ctx, c.id, "SIGKILL")
	}
	if err != nil && !errdefs.IsNotFound(err) && !errdefs.IsConflict(err) { // it has ended by itself
		return ofDaemon("stop the container", err)
	}
	return nil
}

// judge tells how a container ended.
func (c *created) judge(ctx context.Context, w waited) (ended, error) {
	if w.err != nil {
		return ended{}, w.err
	}
	if w.status.Error != nil {
		return ended{}, fmt.Errorf("wait for the container: %s", w.status.Error.Message)
	}
	end := ended{exit: w.status.StatusCode}
	found, err := c.handler.docker.ContainerInspect(ctx, c.id)
	if err != nil {
		return end, ofDaemon("see how the container ended", err)
	}
	if found.State != nil {
		end.outOfMemory = found.State.OOMKilled
	}
	return end, nil
}

// remove removes the container, also one that runs. Nothing of it is left.
func (c *created) remove(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	err := c.handler.docker.ContainerRemove(ctx, c.id, container.RemoveOptions{Force: true, RemoveVolumes: true})
	if err != nil && !errdefs.IsNotFound(err) {
		return ofDaemon("remove the container", err)
	}
	return nil
}
