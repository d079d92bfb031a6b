package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/events"
	"github.com/docker/docker/api/types/filters"
)

// created is a container, until it is removed.
type created struct {
	handler *Handler
	id      string
	stream  types.HijackedResponse
	waited  chan waited        // gets one
	forget  context.CancelFunc // of who waits for the end
}

// waited is what the daemon says when the container has ended.
type waited struct {
	status container.WaitResponse
	err    error
}

// attach connects to the container's streams. The client's own call heeds no
// context: one that hangs is left to end with its connection.
func (c *created) attach(ctx context.Context) error {
	type answer struct {
		stream types.HijackedResponse
		err    error
	}
	answers := make(chan answer)
	return c.handler.ask(ctx, "attach to the container", func(ctx context.Context) error {
		go func() {
			stream, err := c.handler.docker.ContainerAttach(ctx, c.id, container.AttachOptions{Stream: true, Stdin: true, Stdout: true, Stderr: true})
			select {
			case answers <- answer{stream, err}:
			case <-ctx.Done():
				if err == nil {
					stream.Close()
				}
			}
		}()
		select {
		case a := <-answers:
			c.stream = a.stream
			return a.err
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	})
}

// expect has waited get the end of the container, until it is closed.
func (c *created) expect(ctx context.Context) {
	ctx, c.forget = context.WithCancel(context.WithoutCancel(ctx))
	c.waited = make(chan waited, 1)
	listening := make(chan struct{})
	go func() {
		exit, failed := c.handler.docker.ContainerWait(ctx, c.id, container.WaitConditionNextExit)
		close(listening)
		select {
		case status := <-exit:
			c.waited <- waited{status: status}
		case err := <-failed:
			c.waited <- waited{err: ofDaemon("wait for the container", err)}
		}
	}()
	select { // or a container that is fast has ended before
	case <-listening:
	case <-time.After(c.handler.patience): // then starting it won't do either
	}
}

// close ends all that there is of the container in this process.
func (c *created) close() {
	c.stream.Close()
	c.forget()
}

// start starts the command, which may run before the daemon says so: if ctx ends
// meanwhile it is stopped as any.
func (c *created) start(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return c.handler.ask(context.WithoutCancel(ctx), "start the container", func(ctx context.Context) error {
		return c.handler.docker.ContainerStart(ctx, c.id, container.StartOptions{})
	})
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
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace+c.handler.patience)
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
	var found container.InspectResponse
	err := c.handler.ask(ctx, "see how the container ended", func(ctx context.Context) (err error) {
		found, err = c.handler.docker.ContainerInspect(ctx, c.id)
		return err
	})
	if errdefs.IsNotFound(err) {
		return end, passing(KindExit, "somebody has removed the container under its task, whose exit code was %d", end.exit)
	}
	if err != nil {
		return end, err
	}
	if found.State == nil {
		return end, nil
	}
	if end.outOfMemory = found.State.OOMKilled; !end.outOfMemory && end.exit != 0 {
		end.outOfMemory, end.killed = c.reason(ctx, found, end.exit)
	}
	return end, nil
}

// killed is the exit code of a command that SIGKILL ended, as the kernel does when
// there is no memory.
const killed = 137

// reason asks the daemon's events: it may hear of a container's end before it hears
// why, if at all, and then its state never tells. A container that nobody had the
// daemon kill, and that is killed all the same, was so by the kernel.
func (c *created) reason(ctx context.Context, found container.InspectResponse, exit int64) (outOfMemory, byKernel bool) {
	until, err := time.Parse(time.RFC3339Nano, found.State.FinishedAt) // by the daemon's clock
	if err != nil {
		return false, false
	}
	if exit == killed {
		until = until.Add(500 * time.Millisecond)
	}
	ctx, cancel := context.WithTimeout(ctx, min(10*time.Second, c.handler.patience))
	defer cancel()
	told, failed := c.handler.docker.Events(ctx, events.ListOptions{
		Since: found.Created, Until: until.Format(time.RFC3339Nano),
		Filters: filters.NewArgs(
			filters.Arg("container", c.id),
			filters.Arg("event", string(events.ActionOOM)), filters.Arg("event", string(events.ActionKill)),
		),
	})
	select {
	case event := <-told:
		return event.Action == events.ActionOOM, false
	case err := <-failed: // io.EOF, if there was none
		return false, exit == killed && errors.Is(err, io.EOF)
	}
}

// remove removes the container, also one that runs. Nothing of it is left; of one
// that can't be removed now the handler remembers that it is to be.
func (c *created) remove(ctx context.Context) error {
	h := c.handler
	err := h.ask(context.WithoutCancel(ctx), "remove the container", func(ctx context.Context) error {
		err := h.docker.ContainerRemove(ctx, c.id, container.RemoveOptions{Force: true, RemoveVolumes: true})
		if errdefs.IsConflict(err) { // somebody else is at it
			gone, failed := h.docker.ContainerWait(ctx, c.id, container.WaitConditionRemoved)
			select {
			case <-gone:
				return nil
			case err = <-failed:
			}
		}
		return err
	})
	if errdefs.IsNotFound(err) {
		err = nil
	}
	return errors.Join(err, h.removeOthers(ctx, c, err))
}

// removeOthers removes what could not be removed before, once the daemon removes
// again.
func (h *Handler) removeOthers(ctx context.Context, c *created, failed error) error {
	h.mu.Lock()
	if failed != nil {
		h.unremoved = append(h.unremoved, c.id)
	}
	var next string
	if last := len(h.unremoved) - 1; failed == nil && last >= 0 {
		next, h.unremoved = h.unremoved[last], h.unremoved[:last]
	}
	h.mu.Unlock()
	if next == "" {
		return nil
	}
	return (&created{handler: h, id: next}).remove(ctx)
}
