package guest

import (
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// Sandbox is what a task's sandbox is run with: its limits and grants, its secrets
// among them, within what the operator allows, and the grants that are the handlers'
// own.
type Sandbox struct {
	wasmhost.Options
	Spawn        Spawn
	SecretOutput bool // values of secrets may be in the result
	Isolated     bool // the task wants a cell, whatever the operator says of its module
}

// Most is the most that a task's sandbox may have.
type Most struct {
	// Dir is what relative paths of mounts, and of modules to spawn, are relative to.
	// "": the working directory.
	Dir string
	// Limits cap those of tasks. A zero field sets no maximum.
	Limits wasmhost.Limits
	// Grants are the most a task may be granted, as wasmhost.Grants.Within has it.
	// nil: whatever it asks for.
	Grants *wasmhost.Grants
	// Spawn covers what a task may list to spawn; nil: whatever it lists.
	Spawn []string
	// DenySecretOutput refuses tasks that ask for allow_secret_output.
	DenySecretOutput bool
	// Explain says by the key of a grant, as "mounts", whose decision it is that is told
	// where a task asks for more than Grants, Spawn or DenySecretOutput allow, and what
	// to do about it; "" for nothing. nil: only what is not allowed is told.
	Explain func(key string) string
}

// Sandbox reads a task's limits and grants. All that is wrong is reported, joined.
func (m Most) Sandbox(task *engine.Task) (Sandbox, error) {
	limits, isolated, limitsErr := parseLimits(task.Limits)
	o, grantsErr := m.parseGrants(task.Grants)
	o.Isolated = isolated
	o.Grants.Secrets = slices.Concat(o.Grants.Secrets, task.Secrets)
	if len(task.Tools) > 0 {
		grantsErr = errors.Join(grantsErr, checkDurable(o.Grants))
	}
	if grantsErr == nil {
		o.Grants, grantsErr = o.Grants.Within(m.Grants)
		grantsErr = m.Explained(grantsErr)
	}
	o.Limits = limits.Within(m.Limits)
	return o, errors.Join(limitsErr, grantsErr)
}

// limitKeys are the keys of a task's limits, in the order in which they are told.
var limitKeys = []string{
	"fuel", "timeout", "memory", "stack", "table_elements", "output_bytes", "log_bytes", "open_files",
	"disk_bytes", "host_calls", "http_requests", "http_bytes", "channel_ops",
}

// ParseLimits reads limits, as flow files have them.
func ParseLimits(data json.RawMessage) (wasmhost.Limits, error) {
	d, err := Object("limits", data, limitKeys...)
	l, limitsErr := limitsOf(d)
	return l, errors.Join(err, limitsErr)
}

// limitsOf are the limits of a document.
func limitsOf(d Document) (wasmhost.Limits, error) {
	var l wasmhost.Limits
	return l, errors.Join(
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
func (m Most) parseGrants(data json.RawMessage) (Sandbox, error) {
	var g wasmhost.Grants
	var spawn []string
	var secretOutput *bool
	d, err := Object("grants", data, grantKeys...)
	mounts, mountsErr := m.parseMounts(d)
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
	o := Sandbox{Options: wasmhost.Options{Grants: g}, SecretOutput: secretOutput != nil && *secretOutput}
	if o.SecretOutput && m.DenySecretOutput {
		err = errors.Join(err, m.Explained(errors.New("grants.allow_secret_output: the operator does not allow it")))
	}
	var spawnErr error
	o.Spawn, spawnErr = NewSpawn(m.Dir, spawn, m.Spawn)
	return o, errors.Join(err, m.Explained(spawnErr))
}

func (m Most) parseMounts(grants Document) ([]wasmhost.Mount, error) {
	var docs []json.RawMessage
	if raw := grants.Field("mounts"); raw != nil && json.Unmarshal(raw, &docs) != nil {
		return nil, grants.Wrong("mounts", "a list")
	}
	var all []wasmhost.Mount
	var errs []error
	for i, raw := range docs {
		mount, err := m.parseMount(fmt.Sprintf("grants.mounts[%d]", i), raw)
		all, errs = append(all, mount), append(errs, err)
	}
	return all, errors.Join(errs...)
}

func (m Most) parseMount(name string, data json.RawMessage) (wasmhost.Mount, error) {
	var mount wasmhost.Mount
	var writable, memory *bool
	d, err := Object(name, data, "host", "guest", "writable", "memory")
	err = errors.Join(err, d.Text("host", &mount.Host), d.Text("guest", &mount.Guest), d.Flag("writable", &writable), d.Flag("memory", &memory))
	mount.Writable, mount.Memory = writable != nil && *writable, memory != nil && *memory
	switch {
	case err != nil:
		return mount, err
	case mount.Memory && mount.Host != "":
		return mount, fmt.Errorf("%s: a mount has a host directory or is in memory, not both", name)
	case mount.Memory && writable != nil && !mount.Writable:
		return mount, fmt.Errorf("%s.writable: a mount in memory is always writable", name)
	case !mount.Memory && mount.Host == "":
		return mount, fmt.Errorf("%s.host: missing: a directory of this machine, or memory: true for an empty one", name)
	case !path.IsAbs(mount.Guest):
		return mount, fmt.Errorf("%s.guest: got %q, want an absolute path, as \"/data\"", name, mount.Guest)
	case mount.Memory:
		mount.Writable = true
		return mount, nil
	}
	if mount.Host, err = Absolute(m.Dir, mount.Host); err != nil {
		return mount, fmt.Errorf("%s.host: %w", name, err)
	}
	return mount, nil
}
