package wasm

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// options are a task's limits and grants, within what the operator allows.
func (h *Handler) options(task *engine.Task) (wasmhost.Options, error) {
	limits, limitsErr := parseLimits(task.Limits)
	grants, grantsErr := h.parseGrants(task.Grants)
	if grantsErr == nil && h.config.Grants != nil {
		grantsErr = narrowGrants(&grants, *h.config.Grants)
	}
	narrowLimits(&limits, h.config.Limits)
	return wasmhost.Options{Limits: limits, Grants: grants}, errors.Join(limitsErr, grantsErr)
}

func parseLimits(data json.RawMessage) (wasmhost.Limits, error) {
	var l wasmhost.Limits
	d, err := object("limits", data, "timeout", "memory", "output_bytes", "log_bytes")
	return l, errors.Join(err,
		d.duration("timeout", &l.Timeout),
		d.size("memory", &l.Memory),
		d.size("output_bytes", &l.OutputBytes),
		d.size("log_bytes", &l.LogBytes),
	)
}

// narrowLimits caps limits. What a task leaves to its default stays there,
// unless the default is more than the maximum.
func narrowLimits(l *wasmhost.Limits, most wasmhost.Limits) {
	l.Timeout = narrow(l.Timeout, most.Timeout, most.Timeout)
	l.Memory = narrow(l.Memory, most.Memory, wasmhost.DefaultMemory)
	l.OutputBytes = narrow(l.OutputBytes, most.OutputBytes, wasmhost.DefaultOutputBytes)
	l.LogBytes = narrow(l.LogBytes, most.LogBytes, wasmhost.DefaultLogBytes)
}

// narrow caps one limit; most 0 is no cap, asked 0 is the default.
func narrow[T ~int64](asked, most, byDefault T) T {
	if most <= 0 {
		return asked
	}
	if asked <= 0 {
		asked = byDefault
	}
	return min(asked, most)
}

func (h *Handler) parseGrants(data json.RawMessage) (wasmhost.Grants, error) {
	var g wasmhost.Grants
	d, err := object("grants", data, "channel", "control", "env", "mounts")
	err = errors.Join(err, d.flag("channel", &g.Channel), d.flag("control", &g.Control))
	if raw := d.field("env"); raw != nil && json.Unmarshal(raw, &g.Env) != nil {
		err = errors.Join(err, d.wrong("env", "an object of strings"))
	}
	var mounts []json.RawMessage
	if raw := d.field("mounts"); raw != nil && json.Unmarshal(raw, &mounts) != nil {
		err = errors.Join(err, d.wrong("mounts", "a list"))
	}
	for i, raw := range mounts {
		m, mountErr := h.parseMount(fmt.Sprintf("grants.mounts[%d]", i), raw)
		err = errors.Join(err, mountErr)
		g.Mounts = append(g.Mounts, m)
	}
	return g, err
}

func (h *Handler) parseMount(name string, data json.RawMessage) (wasmhost.Mount, error) {
	var m wasmhost.Mount
	var writable *bool
	d, err := object(name, data, "host", "guest", "writable")
	err = errors.Join(err, d.text("host", &m.Host), d.text("guest", &m.Guest), d.flag("writable", &writable))
	m.Writable = writable != nil && *writable
	switch {
	case err != nil:
		return m, err
	case m.Host == "":
		return m, fmt.Errorf("%s.host: missing: a directory of this machine", name)
	case !path.IsAbs(m.Guest):
		return m, fmt.Errorf("%s.guest: got %q, want an absolute path, as \"/data\"", name, m.Guest)
	}
	if m.Host, err = absolute(h.config.Dir, m.Host); err != nil {
		return m, fmt.Errorf("%s.host: %w", name, err)
	}
	return m, nil
}

// absolute is a path that is relative to dir, as an absolute one.
func absolute(dir, file string) (string, error) {
	file = filepath.FromSlash(file)
	if !filepath.IsAbs(file) {
		file = filepath.Join(dir, file)
	}
	return filepath.Abs(file)
}

// narrowGrants refuses what exceeds the operator's grants, and fills in what
// the task leaves open.
func narrowGrants(g *wasmhost.Grants, most wasmhost.Grants) error {
	errs := []error{
		narrowFlag("channel", &g.Channel, most.Channel),
		narrowFlag("control", &g.Control, most.Control),
	}
	for key := range g.Env {
		if _, ok := most.Env[key]; !ok {
			errs = append(errs, fmt.Errorf("grants.env.%s: the operator does not allow this variable", key))
		}
	}
	for i := range g.Mounts {
		if err := narrowMount(&g.Mounts[i], most.Mounts); err != nil {
			errs = append(errs, fmt.Errorf("grants.mounts[%d]: %w", i, err))
		}
	}
	return errors.Join(errs...)
}

func narrowFlag(name string, asked **bool, most *bool) error {
	if most == nil || *most {
		return nil
	}
	if *asked != nil && **asked {
		return fmt.Errorf("grants.%s: the operator does not allow it", name)
	}
	*asked = most
	return nil
}

// narrowMount resolves links first, so that no link leads out of what is
// allowed, and mounts what it has compared.
func narrowMount(m *wasmhost.Mount, most []wasmhost.Mount) error {
	resolved, err := filepath.EvalSymlinks(m.Host)
	if err != nil {
		return err
	}
	allowed := slices.ContainsFunc(most, func(o wasmhost.Mount) bool {
		root, err := filepath.Abs(o.Host)
		if err == nil {
			root, err = filepath.EvalSymlinks(root)
		}
		return err == nil && within(root, resolved) && (o.Writable || !m.Writable)
	})
	if !allowed {
		what := "reading"
		if m.Writable {
			what = "writing"
		}
		return fmt.Errorf("the operator does not allow %s %s", what, m.Host)
	}
	m.Host = resolved
	return nil
}

// within tells whether file is dir or below it. Both are absolute and clean.
func within(dir, file string) bool {
	rel, err := filepath.Rel(dir, file)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(os.PathSeparator))
}
