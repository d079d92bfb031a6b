package docker

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/docker/docker/errdefs"
)

// mostPasswd bounds what is read of an image's /etc/passwd.
const mostPasswd = 1 << 20

// isName tells whether an image's user is a name, which only the image says the
// number of.
func isName(user string) bool {
	name, _, _ := strings.Cut(user, ":")
	return !isRoot(user) && !isNumber(name)
}

// unlessRoot is the container, which does not run yet, or another one in its place if
// the name of its image's user is one of root's.
func (c *created) unlessRoot(ctx context.Context, s *settings, at place) (*created, error) {
	passwd, err := c.passwd(ctx)
	if err == nil && !rootIn(passwd, at.ImageUser) {
		return c, nil
	}
	if err := errors.Join(err, c.remove(ctx)); err != nil {
		return nil, err
	}
	at.ImageUser = nobody
	return c.handler.make(ctx, s, at)
}

// passwd is what Docker will look the user up in; nil if there is no such file. One
// that is no file is an error: Docker would follow a link.
func (c *created) passwd(ctx context.Context) (text []byte, err error) {
	err = c.handler.ask(ctx, "look for the user of the image", func(ctx context.Context) error {
		archive, _, err := c.handler.docker.CopyFromContainer(ctx, c.id, "/etc/passwd")
		if err != nil {
			return err
		}
		defer func() { _ = archive.Close() }() // it was read only
		files := tar.NewReader(archive)
		header, err := files.Next()
		if err != nil {
			return err
		}
		if header.Typeflag != tar.TypeReg || header.Size > mostPasswd {
			return fmt.Errorf("its /etc/passwd is no file, or has more than %d bytes; give the task a user by number", mostPasswd)
		}
		text, err = io.ReadAll(files)
		return err
	})
	if errdefs.IsNotFound(err) {
		return nil, nil
	}
	return text, err
}
