package server

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// Redis is a Redis server.
type Redis struct {
	Address string // host:port
	Version string // of the server: "7.0.15"
	process *process
}

// redisSnapshots are the ones that Redis takes, and Debian leaves as they are:
// the data set after an hour with a change, 5 minutes with 100, a minute with
// 10 000.
const redisSnapshots = "3600 1 300 100 60 10000"

// StartRedis starts one in dir with settings, as a pair of arguments each:
// "--appendonly", "yes".
func StartRedis(ctx context.Context, dir string, settings ...string) (*Redis, error) {
	binary, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, fmt.Errorf("redis-server: %w", ErrMissing)
	}
	said, err := exec.CommandContext(ctx, binary, "--version").Output()
	if err != nil {
		return nil, fmt.Errorf("ask redis-server its version: %w", err)
	}
	port, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	args := append([]string{
		"--bind", "127.0.0.1", "--port", strconv.Itoa(port), "--dir", dir, "--save", redisSnapshots,
	}, settings...)
	r := &Redis{Address: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), Version: redisVersion(string(said))}
	cmd := exec.Command(binary, args...) // stop ends it
	r.process, err = start(ctx, cmd, r.ready)
	if err != nil {
		return nil, err
	}
	return r, nil
}

// Stop ends it, and the snapshot that it may be taking.
func (r *Redis) Stop() error { return r.process.stop(syscall.SIGTERM) }

// ready asks PING, in the protocol's inline form.
func (r *Redis) ready(ctx context.Context) error {
	var dialer net.Dialer
	c, err := dialer.DialContext(ctx, "tcp", r.Address)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }() // its answer is known
	if _, err := c.Write([]byte("PING\r\n")); err != nil {
		return err
	}
	var answer [5]byte
	n, err := c.Read(answer[:])
	if err == nil && string(answer[:n]) != "+PONG" {
		err = fmt.Errorf("redis-server answers %q", answer[:n])
	}
	return err
}

// redisVersion finds 7.0.15 in "Redis server v=7.0.15 sha=…".
func redisVersion(said string) string {
	for word := range strings.FieldsSeq(said) {
		if v, ok := strings.CutPrefix(word, "v="); ok {
			return v
		}
	}
	return "unknown"
}
