package docker

import (
	"errors"
	"fmt"
	"slices"

	"github.com/graflow/graflow-wasm/engine"

	"github.com/graflow/graflow-wasm/handlers/internal/guest"
)

// Grants are the most that tasks may be granted of the engine. Spawning has a
// maximum of its own.
type Grants struct {
	// Secrets and Tools are names; "*" is all.
	Secrets []string
	Tools   []string
	// Channel and Control allow the channel_* calls, and next_task, next_iteration,
	// terminate, cancel, pause and checkpoint. nil: allowed.
	Channel *bool
	Control *bool
}

// grants are what a task is granted.
type grants struct {
	secrets      []string
	secretOutput bool // values of secrets may be in the result
	tools        []string
	spawn        guest.Spawn // within Config.Spawn
	channel      bool
	control      bool
}

// grantKeys are the keys of a task's grants.
var grantKeys = []string{"secrets", "tools", "spawn", "channel", "control", "allow_secret_output"}

// noGrants are keys of the sandbox's grants that say nothing of a container.
var noGrants = map[string]string{
	"mounts":        `a container's directories are in its spec: write docker: {volumes: {HOST: {bind: /PATH, mode: ro}}}`,
	"env":           `a container's environment is in its spec: write docker: {environment: {NAME: value}}`,
	"http":          `the hosts that a container reaches can't be told apart: write docker: {network: NAME}, which the operator must allow`,
	"http_networks": `the hosts that a container reaches can't be told apart: write docker: {network: NAME}, which the operator must allow`,
	"config":        `only Extism plug-ins have a configuration: write docker: {environment: {NAME: value}}`,
	"clock":         `a container has the machine's clock; only the sandbox has others`,
	"random":        `a container has the machine's source of randomness; only the sandbox has others`,
	"seed":          `a container has the machine's source of randomness; only the sandbox has others`,
}

func parseGrants(c *Config, task *engine.Task) (grants, error) {
	var g grants
	var spawn []string
	var channel, control, secretOutput *bool
	d, err := asked("grants", task.Grants, noGrants, grantKeys...)
	err = errors.Join(err,
		d.List("secrets", &g.secrets),
		d.List("tools", &g.tools),
		d.List("spawn", &spawn),
		d.Flag("channel", &channel),
		d.Flag("control", &control),
		d.Flag("allow_secret_output", &secretOutput),
	)
	g.secrets = unique(g.secrets, task.Secrets)
	g.tools = unique(g.tools)
	g.secretOutput = secretOutput != nil && *secretOutput
	if g.secretOutput && c.DenySecretOutput {
		err = errors.Join(err, errors.New("grants.allow_secret_output: the operator does not allow it"))
	}
	var spawnErr error
	g.spawn, spawnErr = guest.NewImageSpawn(spawn, c.Spawn)
	return g, errors.Join(err, spawnErr, g.within(c.Grants, channel, control))
}

// within checks grants against a maximum. What is left open of channel and control
// becomes what it allows.
func (g *grants) within(most *Grants, channel, control *bool) error {
	if most == nil {
		most = &Grants{Secrets: []string{"*"}, Tools: []string{"*"}}
	}
	var channelErr, controlErr error
	g.channel, channelErr = flagWithin("channel", channel, most.Channel)
	g.control, controlErr = flagWithin("control", control, most.Control)
	return errors.Join(
		namesWithin("grants.secrets", g.secrets, most.Secrets),
		namesWithin("grants.tools", g.tools, most.Tools),
		channelErr, controlErr,
	)
}

func flagWithin(key string, asked, most *bool) (bool, error) {
	allowed := most == nil || *most
	if asked != nil && *asked && !allowed {
		return false, fmt.Errorf("grants.%s: the operator does not allow it", key)
	}
	return allowed && (asked == nil || *asked), nil
}

func namesWithin(where string, asked, most []string) error {
	if slices.Contains(most, "*") {
		return nil
	}
	var errs []error
	for _, name := range asked {
		if !slices.Contains(most, name) {
			errs = append(errs, fmt.Errorf("%s: the operator does not allow %q", where, name))
		}
	}
	return errors.Join(errs...)
}

// unique joins lists, each name once, in the order in which they are first there.
func unique(lists ...[]string) []string {
	var all []string
	for _, name := range slices.Concat(lists...) {
		if !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	return all
}
