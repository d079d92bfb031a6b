package dockertest

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// A Container is one that the daemon has, running or not.
type Container struct {
	ID     string `json:"Id"`
	Names  []string
	Image  string
	State  string // created, running, paused, exited …
	Labels map[string]string
}

// Containers are the daemon's containers that have all of the labels, each `KEY`
// or `KEY=VALUE`.
func Containers(tb testing.TB, labels ...string) []Container {
	tb.Helper()
	var all []Container
	ctx, cancel := context.WithTimeout(context.WithoutCancel(tb.Context()), time.Minute) // also in a test's cleanup
	defer cancel()
	if err := connect(tb).call(ctx, http.MethodGet, "/containers/json?all=1&"+filters(labels), nil, &all); err != nil {
		tb.Fatalf("list the containers with %q: %v", labels, err)
	}
	return all
}

// Run runs a command in a new container of an image, without a network, and waits
// for its end: what it wrote, and its exit code. The container is removed.
func Run(tb testing.TB, image string, command ...string) (stdout, stderr string, exit int) {
	tb.Helper()
	d := connect(tb)
	stdout, stderr, exit, err := d.run(tb.Context(), image, command)
	if err != nil {
		tb.Fatalf("run %q in %s: %v", command, image, err)
	}
	return stdout, stderr, exit
}

func (d *daemon) run(ctx context.Context, image string, command []string) (stdout, stderr string, exit int, err error) {
	var made struct{ ID string }
	err = d.call(ctx, http.MethodPost, "/containers/create", map[string]any{
		"Image": image, "Cmd": command, "Labels": map[string]string{label: ""},
		"HostConfig": map[string]any{"NetworkMode": "none", "LogConfig": map[string]any{"Type": "json-file"}},
	}, &made)
	if err != nil {
		return "", "", 0, err
	}
	target := "/containers/" + made.ID
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
		defer cancel()
		err = errors.Join(err, d.call(ctx, http.MethodDelete, target+"?force=1&v=1", nil, nil))
	}()
	if err := d.call(ctx, http.MethodPost, target+"/start", nil, nil); err != nil {
		return "", "", 0, err
	}
	var ended struct{ StatusCode int }
	if err := d.call(ctx, http.MethodPost, target+"/wait", nil, &ended); err != nil {
		return "", "", 0, err
	}
	answer, err := d.request(ctx, http.MethodGet, target+"/logs?stdout=1&stderr=1", nil, nil)
	if err != nil {
		return "", "", 0, err
	}
	defer func() { _ = answer.Body.Close() }() // it was read only
	stdout, stderr, err = parted(answer.Body)
	return stdout, stderr, ended.StatusCode, err
}

// parted reads stdout and stderr from the daemon's frames: a byte that says which,
// three of nothing, the length.
func parted(r io.Reader) (stdout, stderr string, err error) {
	var out [3]strings.Builder
	for head := make([]byte, 8); ; {
		if _, err := io.ReadFull(r, head); errors.Is(err, io.EOF) {
			return out[1].String(), out[2].String(), nil
		} else if err != nil {
			return "", "", fmt.Errorf("read the output: %w", err)
		}
		if _, err := io.CopyN(&out[head[0]%3], r, int64(binary.BigEndian.Uint32(head[4:]))); err != nil {
			return "", "", fmt.Errorf("read the output: %w", err)
		}
	}
}
