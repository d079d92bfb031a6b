package soak

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// Roles of children.
const (
	roleServer = "server"
	roleWorker = "worker"
)

// childConfig says what a child is.
type childConfig struct {
	Role, Name string
	Dir        string // of a server: what it stores; of a worker: the ledgers

	// Of a server.
	Listen, Cluster string
	Routes          []string
	Credentials     string

	// Of a worker.
	URL, NKey   string
	Replicas    int
	Lease       time.Duration
	Drain       time.Duration
	Archive     time.Duration
	Concurrency int
	Guests      string // directory
}

// Child is what the program does that was started with the argument "child" and this
// text: it is a server or a worker, until SIGTERM comes. It ends at once when its
// standard input does, with which it hears that who started it is no more.
func Child(text string) error {
	var c childConfig
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return fmt.Errorf("read what to be: %w", err)
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // until it ends, however
		os.Exit(3)
	}()
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	switch c.Role {
	case roleServer:
		return serve(ctx, &c, log)
	case roleWorker:
		return takePart(ctx, &c, log)
	}
	return fmt.Errorf("there is no role %q", c.Role)
}

// sayReady tells who has started this process that it does what it is for.
func sayReady() { fmt.Println(readyLine) }

const readyLine = "ready"
