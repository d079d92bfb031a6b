package policy

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/flowfile"
	"github.com/graflow/graflow-wasm/handlers/script"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// Config says how a file is read. Key is required.
type Config struct {
	// Key reads a public key: its text, or a file by a path relative to that of the
	// policy.
	Key func(name string) (Key, error)
	// Docker checks the section of tasks in containers; its errors begin with the path
	// of what is wrong, as "policy.mounts[0]: …". nil: it is not looked at.
	Docker func(section json.RawMessage) error
}

// Keys of a policy, of its cells and of its grants.
var (
	policyKeys = []string{"isolation", "trusted_keys", "tenants", "cells", "limits", "grants", "docker"}
	cellKeys   = []string{"max", "idle", "idle_for", "calls", "modules", "age", "memory", "kills"}
	grantKeys  = []string{"mounts", "env", "http", "http_networks", "secrets", "tools", "config", "spawn", "clock", "random", "channel", "control", "allow_secret_output"}
	mountKeys  = []string{"host", "writable"}
)

// Parse reads a policy, of which name is the file. What it leaves out is as Node has
// it. The error is flowfile.Errors: all that is wrong, with its place.
func Parse(name string, src []byte, c Config) (*Policy, error) {
	doc, err := flowfile.ParseDocument(name, src)
	if err != nil {
		return nil, err
	}
	p := Node()
	p.File, p.places = name, places{}
	r := &reader{config: c, policy: p}
	switch doc.Root.Kind() {
	case flowfile.Mapping:
		p.places.note("", doc.Root)
		r.policyOf(doc.Root)
	default:
		r.wrong(doc.Root.Fault("want a mapping with the keys of a policy, as {isolation: unsigned}, not %s; {} is the policy of the defaults", doc.Root.Shown()))
	}
	if len(r.faults) > 0 {
		return nil, r.faults.Sorted()
	}
	return p, nil
}

// reader reads a document into a policy.
type reader struct {
	config Config
	policy *Policy
	faults flowfile.Errors
}

func (r *reader) wrong(fault *flowfile.Error) { r.faults = append(r.faults, fault) }

// fields reads the entries of a mapping, and refuses unknown ones.
func (r *reader) fields(what string, v flowfile.Value, known []string, read func(key string, v flowfile.Value)) {
	if v.Kind() != flowfile.Mapping {
		r.wrong(v.Fault("%s: want a mapping with some of %s, not %s", what, strings.Join(known, ", "), v.Shown()))
		return
	}
	for _, e := range v.Entries() {
		if !slices.Contains(known, e.Key) {
			r.wrong(e.Fault("%s: unknown key %q%s; known are %s", what, e.Key, flowfile.Suggest(e.Key, known), strings.Join(known, ", ")))
			continue
		}
		read(e.Key, e.Value)
	}
}

func (r *reader) policyOf(root flowfile.Value) {
	p := r.policy
	r.fields("policy", root, policyKeys, func(key string, v flowfile.Value) {
		switch key {
		case "isolation":
			p.Said = true
			p.Isolation = Isolation(r.word(key, v, string(Inproc), string(Unsigned), string(Process)))
		case "tenants":
			p.Tenants = Tenants(r.word(key, v, string(ByModule), string(ByPublisher)))
		case "trusted_keys":
			r.keys(v)
		case "cells":
			r.cells(v)
		case "limits":
			limits, err := script.ParseLimits(v.JSON())
			p.Limits = limits
			r.located("limits", err)
		case "grants":
			r.grants(v)
		case "docker":
			p.Docker = v.JSON()
			if r.config.Docker != nil {
				r.located("docker", r.config.Docker(p.Docker))
			}
		}
	})
	if p.Tenants == ByPublisher && len(p.Keys) == 0 && len(r.faults) == 0 {
		r.wrong(p.places.at("tenants").Fault("tenants: publisher needs trusted_keys: who is a publisher?"))
	}
}

// word reads one of some words.
func (r *reader) word(key string, v flowfile.Value, words ...string) string {
	if v.Kind() != flowfile.Text || !slices.Contains(words, v.Text()) {
		hint := ""
		if v.Kind() == flowfile.Text {
			hint = flowfile.Suggest(v.Text(), words)
		}
		r.wrong(v.Fault("%s: want one of %s, not %s%s", key, strings.Join(words, ", "), v.Shown(), hint))
		return words[0]
	}
	return v.Text()
}

// names reads a list of strings, none of them empty. An empty list is no null: it
// allows nothing.
func (r *reader) names(key string, v flowfile.Value, example string) []string {
	names := []string{}
	if v.Kind() != flowfile.List {
		r.wrong(v.Fault("%s: want a list, as %s, not %s", key, example, v.Shown()))
		return names
	}
	for i, item := range v.Items() {
		if item.Kind() != flowfile.Text || item.Text() == "" {
			r.wrong(item.Fault("%s[%d]: want a string, not %s; quote it to make it one", key, i, item.Shown()))
			continue
		}
		names = append(names, item.Text())
	}
	return names
}

func (r *reader) flag(key string, v flowfile.Value) bool {
	if v.Kind() != flowfile.Boolean {
		r.wrong(v.Fault("%s: want true or false, not %s", key, v.Shown()))
	}
	return v.Kind() == flowfile.Boolean && v.Text() == "true"
}

func (r *reader) keys(v flowfile.Value) {
	for i, name := range r.names("trusted_keys", v, "[ed25519:…, ./release.key.pub]") {
		key, err := r.config.Key(name)
		if err != nil {
			at := v
			if items := v.Items(); i < len(items) {
				at = items[i]
			}
			r.wrong(at.Fault("trusted_keys[%d]: %s: %s", i, name, err))
			continue
		}
		r.policy.Keys = append(r.policy.Keys, key)
	}
}

func (r *reader) cells(v flowfile.Value) {
	c := &r.policy.Cells
	r.fields("cells", v, cellKeys, func(key string, v flowfile.Value) {
		switch key {
		case "max":
			c.Max = r.count(key, v)
		case "idle":
			c.Idle = r.count(key, v)
		case "calls":
			c.Calls = r.count(key, v)
		case "modules":
			c.Modules = r.count(key, v)
		case "kills":
			c.Kills = r.count(key, v)
		case "idle_for":
			c.IdleFor = r.duration(key, v)
		case "age":
			c.Age = r.duration(key, v)
		case "memory":
			limits, err := script.ParseLimits(object("memory", v.JSON()))
			if err != nil {
				r.wrong(v.Fault("cells.memory: want a size above 0, as 512MiB or 4GiB, not %s", v.Shown()))
			}
			c.Memory = limits.Memory
		}
	})
}

func (r *reader) count(key string, v flowfile.Value) int {
	var n int
	if v.Kind() != flowfile.Number || json.Unmarshal(v.JSON(), &n) != nil || n < 1 {
		r.wrong(v.Fault("cells.%s: want a whole number above 0, not %s; leave it out for the default", key, v.Shown()))
		return 0
	}
	return n
}

func (r *reader) duration(key string, v flowfile.Value) time.Duration {
	if v.Kind() == flowfile.Text {
		if d, err := time.ParseDuration(v.Text()); err == nil && d > 0 {
			return d
		}
	}
	r.wrong(v.Fault("cells.%s: want a duration above 0 with a unit, as 30s or 10m, not %s", key, v.Shown()))
	return 0
}

func (r *reader) grants(v flowfile.Value) {
	g := r.policy.Grants
	r.fields("grants", v, grantKeys, func(key string, v flowfile.Value) {
		switch name := "grants." + key; key {
		case "mounts":
			g.Mounts = r.mounts(v)
		case "env":
			g.Env = asSet(r.names(name, v, `[TZ], or ["*"] for all`))
		case "config":
			g.Config = asSet(r.names(name, v, `[KEY], or ["*"] for all`))
		case "http":
			g.HTTP = r.names(name, v, `[api.example.com, "*.example.org:8443"], or ["*"] for all`)
		case "http_networks":
			g.HTTPNetworks = r.names(name, v, "[10.0.0.0/8]")
		case "secrets":
			g.Secrets = r.names(name, v, `[NAME], or ["*"] for all`)
		case "tools":
			g.Tools = r.names(name, v, `[NAME], or ["*"] for all`)
		case "spawn":
			r.policy.Spawn = r.names(name, v, `[MODULE, "docker:*"], or ["*"] for all`)
		case "clock":
			g.Clock = r.word(name, v, wasmhost.ClockReal, wasmhost.ClockCoarse, wasmhost.ClockVirtual)
		case "random":
			g.Random = r.word(name, v, wasmhost.RandomSecure, wasmhost.RandomSeeded)
		case "channel":
			g.Channel = new(r.flag(name, v))
		case "control":
			g.Control = new(r.flag(name, v))
		case "allow_secret_output":
			r.policy.DenySecretOutput = !r.flag(name, v)
		}
	})
	_, err := (wasmhost.Grants{}).Within(g) // it reads hosts and networks
	r.located("grants", err)
}

func (r *reader) mounts(v flowfile.Value) []wasmhost.Mount {
	mounts := []wasmhost.Mount{}
	if v.Kind() != flowfile.List {
		r.wrong(v.Fault("grants.mounts: want a list, as [{host: /srv/data}], not %s", v.Shown()))
		return mounts
	}
	for i, item := range v.Items() {
		m := wasmhost.Mount{Guest: "/"}
		name := fmt.Sprintf("grants.mounts[%d]", i)
		r.fields(name, item, mountKeys, func(key string, v flowfile.Value) {
			switch {
			case key == "writable":
				m.Writable = r.flag(name+".writable", v)
			case v.Kind() == flowfile.Text:
				m.Host = v.Text()
			}
		})
		if item.Kind() == flowfile.Mapping && !filepath.IsAbs(filepath.FromSlash(m.Host)) {
			r.wrong(item.Fault("%s.host: want an absolute path of this machine, as /srv/data, not %q", name, m.Host))
		}
		mounts = append(mounts, m)
	}
	return mounts
}

// located notes errors of others, each line of which begins with the path of what it is
// about, below a section.
func (r *reader) located(section string, err error) {
	for _, line := range lines(err) {
		path, text, found := strings.Cut(line, ": ")
		if !found {
			path, text = section, line
		}
		path = strings.TrimPrefix(strings.TrimPrefix(path, "policy"), ".")
		if !strings.HasPrefix(path, section) {
			path = strings.TrimSuffix(section+"."+path, ".")
		}
		at := r.policy.places.at(path)
		if key, ok := unknownKey(text); ok {
			at = r.policy.places.at(path + "." + key)
		}
		text = strings.TrimPrefix(text, "what the operator allows: ")
		r.wrong(at.Fault("%s: %s", path, text))
	}
}

// unknownKey is the key of a message about one.
func unknownKey(text string) (string, bool) {
	rest, found := strings.CutPrefix(text, `unknown key "`)
	key, _, closed := strings.Cut(rest, `"`)
	return key, found && closed
}

// lines are the messages of joined errors, one for each line. A line that follows
// another in one error is about the same.
func lines(err error) []string {
	if err == nil {
		return nil
	}
	var all []string
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range joined.Unwrap() {
			all = append(all, lines(one)...)
		}
		return all
	}
	about := ""
	for i, line := range strings.Split(err.Error(), "\n") {
		if i == 0 {
			about, _, _ = strings.Cut(line, ": ")
		} else {
			line = about + ": " + line
		}
		all = append(all, line)
	}
	return all
}

func asSet(names []string) map[string]string {
	set := map[string]string{}
	for _, name := range names {
		set[name] = ""
	}
	return set
}

func object(key string, value json.RawMessage) json.RawMessage {
	data, err := json.Marshal(map[string]json.RawMessage{key: value})
	if err != nil {
		panic(err) // it is JSON
	}
	return data
}
