package server

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// Postgres is a PostgreSQL server. It trusts whoever connects to it, as
// "postgres".
type Postgres struct {
	URL     string // of its database
	Version string // of the server: "15.13"
	process *process
}

// StartPostgres makes a database in dir, which must not exist, and starts its
// server with settings: "synchronous_commit=off". All others are the defaults.
//
// PostgreSQL refuses to run as root, so if we do, the server runs as the user
// postgres, and dir's parents must let that user pass.
func StartPostgres(ctx context.Context, dir string, settings ...string) (*Postgres, error) {
	bin, err := postgresBin()
	if err != nil {
		return nil, err
	}
	as, err := unprivileged("postgres")
	if err != nil {
		return nil, err
	}
	if err := as.mkdir(dir); err != nil {
		return nil, err
	}
	initdb := exec.CommandContext(ctx, filepath.Join(bin, "initdb"), "--pgdata", dir,
		"--username", "postgres", "--auth", "trust", "--encoding", "UTF8", "--locale", "C")
	as.run(initdb, dir)
	if said, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w: %s", err, said)
	}
	said, err := exec.CommandContext(ctx, filepath.Join(bin, "postgres"), "--version").Output()
	if err != nil {
		return nil, fmt.Errorf("ask postgres its version: %w", err)
	}
	p := &Postgres{Version: postgresVersion(string(said))}
	if err := p.start(ctx, bin, dir, as, settings); err != nil {
		return nil, err
	}
	return p, nil
}

func (p *Postgres) start(ctx context.Context, bin, dir string, as user, settings []string) error {
	port, err := freePort(ctx)
	if err != nil {
		return err
	}
	args := []string{"-D", dir, "-p", strconv.Itoa(port), "-k", dir, "-h", "127.0.0.1"}
	for _, s := range settings {
		args = append(args, "-c", s)
	}
	cmd := exec.Command(filepath.Join(bin, "postgres"), args...) // stop ends it
	as.run(cmd, dir)
	p.process, err = start(ctx, cmd, func(ctx context.Context) error {
		return exec.CommandContext(ctx, filepath.Join(bin, "pg_isready"), "-q", "-h", "127.0.0.1", "-p", strconv.Itoa(port)).Run()
	})
	p.URL = "postgres://postgres@" + net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) + "/postgres?sslmode=disable"
	return err
}

// Stop ends it at once, whoever is connected.
func (p *Postgres) Stop() error { return p.process.stop(syscall.SIGQUIT) }

// postgresVersion finds 15.13 in "postgres (PostgreSQL) 15.13 (Debian …)".
func postgresVersion(said string) string {
	if words := strings.Fields(said); len(words) > 2 {
		return words[2]
	}
	return "unknown"
}

// postgresBin is where the newest version's programs are; Debian keeps them off
// the PATH.
func postgresBin() (string, error) {
	if path, err := exec.LookPath("postgres"); err == nil {
		path, err = filepath.EvalSymlinks(path) // the others are beside it, not beside a link
		return filepath.Dir(path), err
	}
	var bin string
	newest := -1
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres") // the pattern is right
	for _, path := range found {
		version, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path)))) // 0 is the oldest
		if version > newest {
			newest, bin = version, filepath.Dir(path)
		}
	}
	if bin == "" {
		return "", fmt.Errorf("postgres: %w", ErrMissing)
	}
	return bin, nil
}
