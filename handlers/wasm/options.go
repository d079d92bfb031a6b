package wasm

import (
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/internal/guest"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// options are a task's limits and grants, its secrets among them, within what
// the operator allows, and the grants that are the handler's own.
type options struct {
	wasmhost.Options

	spawn        guest.Spawn
	secretOutput bool // values of secrets may be in the result
}

func (h *Handler) options(task *engine.Task) (options, error) {
	limits, limitsErr := parseLimits(task.Limits)
	o, grantsErr := h.parseGrants(task.Grants)
	o.Grants.Secrets = slices.Concat(o.Grants.Secrets, task.Secrets)
	if grantsErr == nil {
		o.Grants, grantsErr = o.Grants.Within(h.config.Grants)
	}
	o.Limits = limits.Within(h.config.Limits)
	return o, errors.Join(limitsErr, grantsErr)
}

// limitKeys are the keys of a task's limits, in the order in which they are told.
var limitKeys = []string{
	"fuel", "timeout", "memory", "stack", "table_elements", "output_bytes", "log_bytes", "open_files",
	"disk_bytes", "host_calls", "http_requests", "http_bytes", "channel_ops",
}

func parseLimits(data json.RawMessage) (wasmhost.Limits, error) {
	var l wasmhost.Limits
	d, err := guest.Object("limits", data, limitKeys...)
	return l, errors.Join(err,
		d.Count("fuel", &l.Fuel),
		d.Duration("timeout", &l.Timeout),
		d.Size("memory", &l.Memory),
		d.Size("stack", &l.Stack),
		d.Count("table_elements", &l.TableElements),
		d.Size("output_bytes", &l.OutputBytes),
		d.Size("log_bytes", &l.LogBytes),
		d.Count("open_files", &l.OpenFiles),
		d.Size("disk_bytes", &l.DiskBytes),
		d.Count("host_calls", &l.HostCalls),
		d.Count("http_requests", &l.HTTPRequests),
		d.Size("http_bytes", &l.HTTPBytes),
		d.Count("channel_ops", &l.ChannelOps),
	)
}

// grantKeys are the keys of a task's grants.
var grantKeys = []string{
	"mounts", "env", "http", "http_networks", "secrets", "tools", "config",
	"clock", "random", "seed", "channel", "control", "spawn", "allow_secret_output",
}

// parseGrants reads grants. What words, hosts and networks mean, and whether
// they are allowed, is for wasmhost to say.
func (h *Handler) parseGrants(data json.RawMessage) (options, error) {
	var g wasmhost.Grants
	var spawn []string
	var secretOutput *bool
	d, err := guest.Object("grants", data, grantKeys...)
	mounts, mountsErr := h.parseMounts(d)
	g.Mounts = mounts
	err = errors.Join(err, mountsErr,
		d.Pairs("env", &g.Env),
		d.List("http", &g.HTTP),
		d.List("http_networks", &g.HTTPNetworks),
		d.List("secrets", &g.Secrets),
		d.List("tools", &g.Tools),
		d.Pairs("config", &g.Config),
		d.Text("clock", &g.Clock),
		d.Text("random", &g.Random),
		d.Seed("seed", &g.Seed),
		d.Flag("channel", &g.Channel),
		d.Flag("control", &g.Control),
		d.List("spawn", &spawn),
		d.Flag("allow_secret_output", &secretOutput),
	)
	if d.Field("seed") != nil && g.Random != wasmhost.RandomSeeded {
		err = errors.Join(err, errors.New(`grants.seed: it is for a seeded source: add random: seeded`))
	}
	o := options{Options: wasmhost.Options{Grants: g}, secretOutput: secretOutput != nil && *secretOutput}
	if o.secretOutput && h.config.DenySecretOutput {
		err = errors.Join(err, errors.New("grants.allow_secret_output: the operator does not allow it"))
	}
	var spawnErr error
	o.spawn, spawnErr = guest.NewSpawn(h.config.Dir, spawn, h.config.Spawn)
	return o, errors.Join(err, spawnErr)
}

func (h *Handler) parseMounts(grants guest.Document) ([]wasmhost.Mount, error) {
	var docs []json.RawMessage
	if raw := grants.Field("mounts"); raw != nil && json.Unmarshal(raw, &docs) != nil {
		return nil, grants.Wrong("mounts", "a list")
	}
	var all []wasmhost.Mount
	var errs []error
	for i, raw := range docs {
		m, err := h.parseMount(fmt.Sprintf("grants.mounts[%d]", i), raw)
		all, errs = append(all, m), append(errs, err)
	}
	return all, errors.Join(errs...)
}

func (h *Handler) parseMount(name string, data json.RawMessage) (wasmhost.Mount, error) {
	var m wasmhost.Mount
	var writable, memory *bool
	d, err := guest.Object(name, data, "host", "guest", "writable", "memory")
	err = errors.Join(err, d.Text("host", &m.Host), d.Text("guest", &m.Guest), d.Flag("writable", &writable), d.Flag("memory", &memory))
	m.Writable, m.Memory = writable != nil && *writable, memory != nil && *memory
	switch {
	case err != nil:
		return m, err
	case m.Memory && m.Host != "":
		return m, fmt.Errorf("%s: a mount has a host directory or is in memory, not both", name)
	case m.Memory && writable != nil && !m.Writable:
		return m, fmt.Errorf("%s.writable: a mount in memory is always writable", name)
	case !m.Memory && m.Host == "":
		return m, fmt.Errorf("%s.host: missing: a directory of this machine, or memory: true for an empty one", name)
	case !path.IsAbs(m.Guest):
		return m, fmt.Errorf("%s.guest: got %q, want an absolute path, as \"/data\"", name, m.Guest)
	case m.Memory:
		m.Writable = true
		return m, nil
	}
	if m.Host, err = guest.Absolute(h.config.Dir, m.Host); err != nil {
		return m, fmt.Errorf("%s.host: %w", name, err)
	}
	return m, nil
}
