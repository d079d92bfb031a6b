package main

import (
	"os"

	"github.com/graflow/graflow-wasm/handlers/docker"
	"github.com/spf13/pflag"
)

// dockerPolicyVariable names the policy's file where no flag does.
const dockerPolicyVariable = "GRAFLOW_DOCKER_POLICY"

// dockerFlags say what tasks in containers may have of this machine.
type dockerFlags struct {
	file    string
	scratch string
	flags   *pflag.FlagSet

	policy *docker.Policy // what the file says; nil: there is none
	from   string         // the file that was read
}

// addTo adds the flags. byDefault is what holds without a policy.
func (d *dockerFlags) addTo(f *pflag.FlagSet, byDefault string) {
	d.flags = f
	f.StringVar(&d.file, "docker-policy", "", "what Docker tasks may ask for, a `FILE` in YAML or JSON (default: $"+dockerPolicyVariable+", else "+byDefault+")")
	f.StringVar(&d.scratch, "docker-scratch", "", "a `DIR` in memory for what containers are given: inputs, sockets, secrets (default: one in /dev/shm or $XDG_RUNTIME_DIR)")
}

// Who may what, where no policy says.
const (
	policyOfOperator = "any image, no network, the flow's directory for reading"
	policyOfNode     = "no Docker tasks are run"
)

// given tells whether one of the flags was.
func (d *dockerFlags) given() bool {
	return d.flags != nil && (d.flags.Changed("docker-policy") || d.flags.Changed("docker-scratch"))
}

// read reads the policy, if there is one.
func (d *dockerFlags) read() error {
	if d.scratch != "" {
		d.scratch = absolutePath(d.scratch) // so that no volume shows it
	}
	name, from := d.file, "--docker-policy"
	if d.flags == nil || !d.flags.Changed("docker-policy") {
		name, from = os.Getenv(dockerPolicyVariable), "$"+dockerPolicyVariable
		if name == "" {
			return nil
		}
	}
	policy, err := readDockerPolicy(name)
	if err != nil {
		return usagef("%s: %w", from, err)
	}
	d.policy, d.from = &policy, name
	return nil
}
