package docker

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/client"
)

// mostPasswdBytes is far more than an image's passwd has.
const mostPasswdBytes = 1 << 20

// named tells whether a user is one that only its image knows.
func named(user string) bool { return !isRoot(user) && !userNumber.MatchString(user) }

// isRootThere tells whether the user of a container that was made, and not started,
// is root by its image's passwd. What can't be told is root.
func isRootThere(ctx context.Context, docker *client.Client, container, user string) (bool, error) {
	if !named(user) {
		return isRoot(user), nil
	}
	archive, _, err := docker.CopyFromContainer(ctx, container, "/etc/passwd")
	if err != nil {
		return true, fmt.Errorf("read who is %q in the image: %w", user, err)
	}
	defer func() { _ = archive.Close() }() // what counts was read
	files := tar.NewReader(archive)
	header, err := files.Next()
	if err != nil {
		return true, fmt.Errorf("read who is %q in the image: %w", user, err)
	}
	if header.Typeflag != tar.TypeReg || header.Size > mostPasswdBytes {
		return true, nil // Docker would follow a link; no image has to have one
	}
	passwd, err := io.ReadAll(files)
	if err != nil {
		return true, fmt.Errorf("read who is %q in the image: %w", user, err)
	}
	return rootIn(passwd, user), nil
}

// unlessRoot is the container, which does not run yet, or another one in its place if
// the name of its image's user is one of root's. Of a name that the image does not
// know the container's start will tell.
func (c *created) unlessRoot(ctx context.Context, s *settings, at place) (*created, error) {
	var root bool
	err := c.handler.ask(ctx, "look for the user of the image", func(ctx context.Context) (err error) {
		root, err = isRootThere(ctx, c.handler.docker, c.id, at.ImageUser)
		return err
	})
	if err == nil && !root || errdefs.IsNotFound(err) {
		return c, nil
	}
	if err := errors.Join(err, c.remove(ctx)); err != nil {
		return nil, err
	}
	at.ImageUser = nobody
	return c.handler.make(ctx, s, at)
}
