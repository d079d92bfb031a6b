package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/ops"
)

// secretPlace is where secrets are: in a file, or with a server.
type secretPlace struct {
	secretFlags

	server clusterFlags // of which only the server's flags are added
}

// onServer tells whether a server is asked. Flags that name a file go before the
// variable that names a server.
func (s *secretPlace) onServer() (bool, error) {
	r := &s.server.remote
	if s.given() && r.given() && r.used() {
		return false, usagef("--secrets-file, --identity and --server: secrets are in a file, or with a server; give one of them")
	}
	return r.used() && (r.given() || !s.given()), nil
}

// thereSecret is what was done to a secret of a server, as JSON.
type thereSecret struct {
	Name     string `json:"name"`
	Replaced bool   `json:"replaced"`
}

// setThere sets a secret of a server.
func (s *secretPlace) setThere(ctx context.Context, std streams, name string, value []byte, format string) error {
	return failed("store a secret", s.server.withServer(func(there ops.Service) error {
		replaced, err := there.Secrets.Set(ctx, name, value)
		if err != nil {
			return err
		}
		if format == "json" {
			return writeJSON(std.out, thereSecret{name, replaced})
		}
		return setSecret{Name: name, Replaced: replaced}.write(std, format)
	}))
}

// listThere lists the secrets of a server.
func (s *secretPlace) listThere(ctx context.Context, std streams, format string) error {
	return failed("list secrets", s.server.withServer(func(there ops.Service) error {
		all, err := there.Secrets.List(ctx)
		if err != nil {
			return err
		}
		t := tabwriter.NewWriter(std.out, 0, 0, 2, ' ', 0)
		for _, one := range all {
			if format == "json" {
				if err := writeJSON(std.out, one); err != nil {
					return err
				}
				continue
			}
			changed := ""
			if !one.Changed.IsZero() {
				changed = one.Changed.Format(time.RFC3339)
			}
			fmt.Fprintf(t, "%s\t%s\n", oneLine(one.Name), changed)
		}
		return t.Flush()
	}))
}

// removeThere removes secrets of a server, one after the other.
func (s *secretPlace) removeThere(ctx context.Context, std streams, names []string, format string) error {
	return failed("remove secrets", s.server.withServer(func(there ops.Service) error {
		for _, name := range names {
			err := there.Secrets.Remove(ctx, name)
			if errors.Is(err, engine.ErrNotFound) {
				return usagef("%w; `graflow-wasm secrets ls` lists them", err)
			}
			if err != nil {
				return err
			}
		}
		if format == "json" {
			return writeJSON(std.out, map[string]any{"removed": names})
		}
		fmt.Fprintf(std.out, "%s: removed\n", strings.Join(names, ", "))
		return nil
	}))
}
