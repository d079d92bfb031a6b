package main

import (
	"encoding/json"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// sandboxFlags are the flags of a bare module or script: its limits and grants, which a
// flow file has at its tasks. What their values mean is for the handlers.
type sandboxFlags struct {
	limits, grants flagGroup

	mounts, scratch, env, http, networks, secrets, config, spawn []string
	clock, random                                                string
	seed                                                         uint64
	noChannel, noControl, secretOutput                           bool
}

// limitFlags are the limits, in the order of the help. The flag of one is its
// key with hyphens; the run's --timeout bounds the one task too.
var limitFlags = []struct{ key, kind, usage string }{
	{"fuel", "number", "instructions it may run, as 1e9 (default: no limit)"},
	{"memory", "size", "linear memory, as 64MiB (default 256MiB)"},
	{"stack", "size", "frames of nested calls, as estimated (default 8MiB)"},
	{"table_elements", "number", "elements of all tables (default 1000000)"},
	{"output_bytes", "size", "the output (default 16MiB)"},
	{"log_bytes", "size", "what is logged; the rest is dropped (default 1MiB)"},
	{"open_files", "number", "files open at once (default 64)"},
	{"disk_bytes", "size", "what is written to mounts and scratch directories (default 64MiB)"},
	{"host_calls", "number", "calls of functions of the host (default: no limit)"},
	{"http_requests", "number", "requests, redirects included (default 100)"},
	{"http_bytes", "size", "all requests and responses together (default 16MiB)"},
	{"channel_ops", "number", "channel calls (default 100000)"},
}

// grantFlags are the flags that are grants, and their keys.
var grantFlags = []struct{ flag, key string }{
	{"mount", "mounts"},
	{"scratch", "mounts"},
	{"env", "env"},
	{"http", "http"},
	{"http-network", "http_networks"},
	{"secret", "secrets"},
	{"allow-secret-output", "allow_secret_output"},
	{"config", "config"},
	{"clock", "clock"},
	{"random", "random"},
	{"seed", "seed"},
	{"spawn", "spawn"},
	{"no-channel", "channel"},
	{"no-control", "control"},
}

// limitValue is a flag whose text is passed on as it is.
type limitValue struct{ kind, text string }

// String implements pflag.Value.
func (v *limitValue) String() string { return v.text }

// Type implements pflag.Value.
func (v *limitValue) Type() string { return v.kind }

// Set implements pflag.Value.
func (v *limitValue) Set(text string) error {
	v.text = text
	return nil
}

func flagOf(key string) string { return strings.ReplaceAll(key, "_", "-") }

// newSandboxFlags adds the flags to a command.
func newSandboxFlags(cmd *cobra.Command) *sandboxFlags {
	s := &sandboxFlags{limits: newFlagGroup("Limits of a bare module or script"), grants: newFlagGroup("Grants of a bare module or script, which has nothing of the machine by default")}
	for _, l := range limitFlags {
		s.limits.Flags().Var(&limitValue{kind: l.kind}, flagOf(l.key), l.usage)
	}
	g := s.grants.Flags()
	g.StringArrayVar(&s.mounts, "mount", nil, "a directory to show to it, as `HOST:GUEST[:rw]` (repeatable)")
	g.StringArrayVar(&s.scratch, "scratch", nil, "an empty directory in memory that it finds at `GUEST` (repeatable)")
	g.StringArrayVar(&s.env, "env", nil, "a variable, as `NAME[=VALUE]`; NAME alone passes yours on (repeatable)")
	g.StringArrayVar(&s.http, "http", nil, "where requests may go: a `HOST` as example.com, *.example.com:8443 or * (repeatable)")
	g.StringArrayVar(&s.networks, "http-network", nil, "where hosts may be beyond the public internet: a `CIDR` as 127.0.0.0/8 (repeatable)")
	g.StringArrayVar(&s.secrets, "secret", nil, "a secret that it may read, by `NAME`: one that graflow-wasm secrets keeps, or in "+secretPrefix+"NAME (repeatable)")
	g.BoolVar(&s.secretOutput, "allow-secret-output", false, "let its result have the values of secrets")
	g.StringArrayVar(&s.config, "config", nil, "configuration of an Extism plug-in, as `KEY=VALUE` (repeatable)")
	g.StringVar(&s.clock, "clock", "", "which clock it reads: `real|coarse|virtual` (default real)")
	g.StringVar(&s.random, "random", "", "which randomness it gets: `secure|seeded` (default secure)")
	g.Uint64Var(&s.seed, "seed", 0, "a number `N` that determines --random seeded; with --receipt and without --random, the randomness of all tasks (default there: one is drawn)")
	g.StringArrayVar(&s.spawn, "spawn", nil, "of what it may add tasks to the run: a `MODULE`, HANDLER:* or * (repeatable)")
	g.BoolVar(&s.noChannel, "no-channel", false, "deny the channel calls")
	g.BoolVar(&s.noControl, "no-control", false, "deny next_task, next_iteration, terminate, cancel, pause, checkpoint")
	s.limits.addTo(cmd)
	s.grants.addTo(cmd)
	return s
}

// absolute is s with the paths of the machine absolute.
func (s *sandboxFlags) absolute() *sandboxFlags {
	c := *s
	c.mounts, c.spawn = slices.Clone(s.mounts), slices.Clone(s.spawn)
	for i, mount := range c.mounts {
		if at := strings.LastIndex(mount, ":/"); at > 0 {
			c.mounts[i] = absolutePath(mount[:at]) + mount[at:]
		}
	}
	for i, pattern := range c.spawn {
		if strings.HasPrefix(pattern, ".") || strings.HasSuffix(pattern, ".wasm") {
			c.spawn[i] = absolutePath(pattern)
		}
	}
	return &c
}

// absolutePath is the path itself where the working directory is not known: what
// opens it will say so.
func absolutePath(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// given are the flags that were used, as they are typed.
func (s *sandboxFlags) given() []string {
	var given []string
	for _, l := range limitFlags {
		if s.limits.Flags().Changed(flagOf(l.key)) {
			given = append(given, "--"+flagOf(l.key))
		}
	}
	for _, g := range grantFlags {
		if s.grants.Flags().Changed(g.flag) {
			given = append(given, "--"+g.flag)
		}
	}
	return given
}

// limitsDoc is the limits given, as the handler wants them; nil for none.
func (s *sandboxFlags) limitsDoc() (json.RawMessage, error) {
	doc := map[string]string{}
	for _, l := range limitFlags {
		if flag := s.limits.Flags().Lookup(flagOf(l.key)); flag.Changed {
			doc[l.key] = flag.Value.String()
		}
	}
	if len(doc) == 0 {
		return nil, nil
	}
	return json.Marshal(doc)
}

// grantsDoc is the grants given, likewise.
func (s *sandboxFlags) grantsDoc() (json.RawMessage, error) {
	if s.grants.Flags().Changed("seed") && s.random != "seeded" {
		return nil, usagef("--seed is for --random seeded; give both")
	}
	mounts, err := parseMounts(s.mounts, s.scratch)
	if err != nil {
		return nil, err
	}
	env, err := parseEnv(s.env)
	if err != nil {
		return nil, err
	}
	config, err := parseConfig(s.config)
	if err != nil {
		return nil, err
	}
	if err := checkSecrets(s.secrets); err != nil {
		return nil, err
	}
	values := map[string]any{
		"mounts": mounts, "env": env, "http": s.http, "http_networks": s.networks, "secrets": s.secrets, "config": config,
		"clock": s.clock, "random": s.random, "seed": s.seed, "spawn": s.spawn, "channel": !s.noChannel, "allow_secret_output": s.secretOutput, "control": !s.noControl,
	}
	doc := map[string]any{}
	for _, g := range grantFlags {
		if s.grants.Flags().Changed(g.flag) {
			doc[g.key] = values[g.key]
		}
	}
	if len(doc) == 0 {
		return nil, nil
	}
	return json.Marshal(doc)
}

// parseMounts reads directories of the machine, and directories in memory.
func parseMounts(texts, scratch []string) ([]map[string]any, error) {
	var mounts []map[string]any
	for _, text := range texts {
		mount, err := parseMount(text)
		if err != nil {
			return nil, err
		}
		mounts = append(mounts, mount)
	}
	for _, guest := range scratch {
		if !path.IsAbs(guest) {
			return nil, usagef("--scratch %q: want an absolute path, as /tmp", guest)
		}
		mounts = append(mounts, map[string]any{"guest": guest, "memory": true})
	}
	return mounts, nil
}

// parseConfig reads KEY=VALUE.
func parseConfig(texts []string) (map[string]string, error) {
	config := map[string]string{}
	for _, text := range texts {
		key, value, given := strings.Cut(text, "=")
		if key == "" || !given {
			return nil, usagef("--config %q: want KEY=VALUE", text)
		}
		config[key] = value
	}
	return config, nil
}
