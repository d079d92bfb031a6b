package policy

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/wasmhost"
)

// Shown is a policy with its defaults, as a file has it.
type Shown struct {
	Isolation Isolation       `json:"isolation"`
	Keys      []Key           `json:"trusted_keys"`
	Tenants   Tenants         `json:"tenants"`
	Cells     ShownCells      `json:"cells"`
	Limits    map[string]any  `json:"limits"`
	Grants    *ShownGrants    `json:"grants,omitempty"` // nil: what is asked for
	Docker    json.RawMessage `json:"docker,omitempty"` // nil: the file has none
}

// ShownCells are the bounds of cells that are no defaults of the host.
type ShownCells struct {
	Max     int    `json:"max,omitempty"`
	Idle    int    `json:"idle,omitempty"`
	IdleFor string `json:"idle_for,omitempty"`
	Calls   int    `json:"calls,omitempty"`
	Modules int    `json:"modules,omitempty"`
	Age     string `json:"age,omitempty"`
	Memory  int64  `json:"memory,omitempty"`
	Kills   int    `json:"kills"`
}

// ShownGrants are the most that tasks may be granted.
type ShownGrants struct {
	Mounts       []ShownMount `json:"mounts"`
	Env          []string     `json:"env"`
	HTTP         []string     `json:"http"`
	HTTPNetworks []string     `json:"http_networks"`
	Secrets      []string     `json:"secrets"`
	Tools        []string     `json:"tools"`
	Config       []string     `json:"config"`
	Spawn        []string     `json:"spawn"`
	Clock        string       `json:"clock"`
	Random       string       `json:"random"`
	Channel      bool         `json:"channel"`
	Control      bool         `json:"control"`
	SecretOutput bool         `json:"allow_secret_output"`
}

// ShownMount is a directory that tasks may mount, with all below it.
type ShownMount struct {
	Host     string `json:"host"`
	Writable bool   `json:"writable,omitempty"`
}

// Show is the policy as a file has it.
func (p *Policy) Show() Shown {
	c := p.Cells
	s := Shown{
		Isolation: p.Isolation, Keys: p.Keys, Tenants: p.Tenants, Limits: shownLimits(p.Limits), Docker: p.Docker,
		Cells: ShownCells{Max: c.Max, Idle: c.Idle, IdleFor: shownTime(c.IdleFor), Calls: c.Calls, Modules: c.Modules, Age: shownTime(c.Age), Memory: c.Memory, Kills: c.Kills},
	}
	if s.Keys == nil {
		s.Keys = []Key{}
	}
	if g := p.Grants; g != nil {
		s.Grants = &ShownGrants{
			Mounts: []ShownMount{}, Env: slices.Sorted(maps.Keys(g.Env)), Config: slices.Sorted(maps.Keys(g.Config)),
			HTTP: g.HTTP, HTTPNetworks: g.HTTPNetworks, Secrets: g.Secrets, Tools: g.Tools, Spawn: p.Spawn,
			Clock: g.Clock, Random: g.Random, Channel: g.Channel == nil || *g.Channel, Control: g.Control == nil || *g.Control,
			SecretOutput: !p.DenySecretOutput,
		}
		s.Grants.complete(g.Mounts, p.Spawn == nil)
	}
	return s
}

// complete writes out what stands for a default.
func (s *ShownGrants) complete(mounts []wasmhost.Mount, spawnAll bool) {
	for _, m := range mounts {
		s.Mounts = append(s.Mounts, ShownMount{Host: m.Host, Writable: m.Writable})
	}
	if spawnAll {
		s.Spawn = []string{all}
	}
	if s.Clock == "" {
		s.Clock = wasmhost.ClockReal
	}
	if s.Random == "" {
		s.Random = wasmhost.RandomSecure
	}
	for _, list := range []*[]string{&s.Env, &s.HTTP, &s.HTTPNetworks, &s.Secrets, &s.Tools, &s.Config, &s.Spawn} {
		if *list == nil {
			*list = []string{}
		}
	}
}

func shownTime(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return d.String()
}

func shownLimits(l wasmhost.Limits) map[string]any {
	fields := map[string]any{}
	data, err := json.Marshal(l)
	if err == nil {
		var numbers map[string]int64
		_ = json.Unmarshal(data, &numbers) // they are numbers
		for key, n := range numbers {
			fields[key] = n
		}
	}
	if l.Timeout > 0 {
		fields["timeout"] = l.Timeout.String()
	}
	return fields
}

// YAML is the policy as a file that could be given instead.
func (s Shown) YAML() string {
	var b strings.Builder
	line := func(indent, key string, v any) {
		data, err := json.Marshal(v)
		if err != nil {
			data = []byte("null") // they are strings and numbers
		}
		fmt.Fprintf(&b, "%s%s: %s\n", indent, key, data)
	}
	fmt.Fprintf(&b, "isolation: %s\ntenants: %s\n", s.Isolation, s.Tenants)
	line("", "trusted_keys", s.Keys)
	line("", "cells", s.Cells)
	line("", "limits", s.Limits)
	if g := s.Grants; g == nil {
		b.WriteString("# grants: not bounded, tasks have what they ask for\n")
	} else {
		b.WriteString("grants:\n")
		for _, one := range []struct {
			key   string
			value any
		}{
			{"mounts", g.Mounts},
			{"env", g.Env},
			{"http", g.HTTP},
			{"http_networks", g.HTTPNetworks},
			{"secrets", g.Secrets},
			{"tools", g.Tools},
			{"config", g.Config},
			{"spawn", g.Spawn},
			{"clock", g.Clock},
			{"random", g.Random},
			{"channel", g.Channel},
			{"control", g.Control},
			{"allow_secret_output", g.SecretOutput},
		} {
			line("  ", one.key, one.value)
		}
	}
	if s.Docker != nil {
		line("", "docker", s.Docker)
	}
	return b.String()
}
