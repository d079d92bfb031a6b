package main

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/graflow/graflow-wasm/wasmhost"
	"github.com/spf13/cobra"
)

// amount is a flag that is a number, or with sizes a number of bytes.
type amount struct {
	kind  string // "number", "size"
	value int64
}

// String implements pflag.Value.
func (a *amount) String() string {
	if a.value == 0 {
		return ""
	}
	return strconv.FormatInt(a.value, 10)
}

// Type implements pflag.Value.
func (a *amount) Type() string { return a.kind }

// Set implements pflag.Value: 1000, 1e9, and of sizes 64KiB and the like, too.
func (a *amount) Set(text string) error {
	number, unit := text, 1.0
	if a.kind == "size" {
		for _, u := range []struct {
			suffix string
			bytes  float64
		}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"B", 1}} {
			if rest, ok := strings.CutSuffix(text, u.suffix); ok {
				number, unit = strings.TrimSpace(rest), u.bytes
				break
			}
		}
	}
	n, err := strconv.ParseFloat(number, 64)
	if n *= unit; err != nil || !(n >= 1 && n < math.MaxInt64) || n != math.Trunc(n) {
		if a.kind == "size" {
			return fmt.Errorf("want a number of bytes, or a size as 64KiB, 16MiB, 1GiB")
		}
		return fmt.Errorf("want a whole number above 0, as 1000 or 1e9")
	}
	a.value = int64(n)
	return nil
}

// execLimits are the limits of code, beside its time. They are called as those of
// other tasks are.
type execLimits map[string]*amount

// addTo adds the flags as a group.
func (l *execLimits) addTo(cmd *cobra.Command) flagGroup {
	*l = execLimits{}
	g := newFlagGroup("Limits")
	for _, f := range limitFlags {
		if f.key == "channel_ops" { // there is no run, and no channel
			continue
		}
		a := &amount{kind: f.kind}
		(*l)[f.key] = a
		g.Flags().Var(a, flagOf(f.key), f.usage)
	}
	g.addTo(cmd)
	return g
}

// limits are those that were given.
func (l execLimits) limits() (wasmhost.Limits, error) {
	doc := map[string]int64{}
	for key, a := range l {
		if a.value > 0 {
			doc[key] = a.value
		}
	}
	var limits wasmhost.Limits
	return limits, asType(doc, &limits)
}

// asType makes one type of another by their keys.
func asType(from, into any) error {
	data, err := json.Marshal(from)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, into)
}

// execGrants are what code may touch of the machine, called as grants of other tasks are.
type execGrants struct {
	mounts, env, http, networks []string
	clock, random               string
	seed                        uint64
	group                       flagGroup
}

func (g *execGrants) addTo(cmd *cobra.Command) flagGroup {
	g.group = newFlagGroup("Grants; the code has nothing of the machine by default")
	f := g.group.Flags()
	f.StringArrayVar(&g.http, "http", nil, "where requests may go: a `HOST` as example.com, *.example.com:8443 or * (repeatable)")
	f.StringArrayVar(&g.networks, "http-network", nil, "where hosts may be beyond the public internet: a `CIDR` as 127.0.0.0/8 (repeatable)")
	f.StringArrayVar(&g.mounts, "mount", nil, "a directory to show to it, as `HOST:GUEST[:rw]` (repeatable)")
	f.StringArrayVar(&g.env, "env", nil, "a variable, as `NAME[=VALUE]`; NAME alone passes yours on (repeatable)")
	f.StringVar(&g.clock, "clock", "", "which clock it reads: `real|coarse|virtual` (default real)")
	f.StringVar(&g.random, "random", "", "which randomness it gets: `secure|seeded` (default secure)")
	f.Uint64Var(&g.seed, "seed", 0, "a number `N` that determines --random seeded")
	g.group.addTo(cmd)
	return g.group
}

func (g *execGrants) grants() (wasmhost.Grants, error) {
	var grants wasmhost.Grants
	if g.group.Flags().Changed("seed") && g.random != wasmhost.RandomSeeded {
		return grants, usagef("exec: --seed is for --random seeded; give both")
	}
	for _, word := range []struct {
		flag, value string
		of          []string
	}{
		{"clock", g.clock, []string{wasmhost.ClockReal, wasmhost.ClockCoarse, wasmhost.ClockVirtual}},
		{"random", g.random, []string{wasmhost.RandomSecure, wasmhost.RandomSeeded}},
	} {
		if word.value != "" && !slices.Contains(word.of, word.value) {
			return grants, usagef("exec: --%s %q: want one of %s", word.flag, word.value, strings.Join(word.of, ", "))
		}
	}
	mounts, err := parseMounts(g.mounts, nil)
	if err != nil {
		return grants, err
	}
	env, err := parseEnv(g.env)
	if err != nil {
		return grants, err
	}
	err = asType(map[string]any{
		"mounts": mounts, "env": env, "http": g.http, "http_networks": g.networks, "clock": g.clock, "random": g.random, "seed": g.seed,
	}, &grants)
	return grants, err
}
