package docker

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/docker/docker/api/types/container"

	"github.com/graflow/graflow-wasm/engine"
)

// When an image is pulled.
const (
	pullMissing = "missing"
	pullAlways  = "always"
	pullNever   = "never"
)

// Where a task's result comes from.
const (
	resultStdout = "stdout" // what the command prints
	resultFile   = "file"   // what is written to GRAFLOW_RESULT
	resultPath   = "path"   // a file in the container, read when the command has ended
)

// Who has run in a container before.
const (
	reuseNone = "none" // nobody
	reusePool = "pool" // tasks with the same settings
)

// DefaultStopTimeout is how long a container that is to stop has to do so, until
// it is killed.
const DefaultStopTimeout = 2 * time.Second

// settings are all that a task's containers are made from, within what the
// operator allows. They are not changed once they are parsed.
type settings struct {
	image        reference
	pull         string // pullMissing, pullAlways, pullNever
	registryAuth string // the name of a secret; ""

	command     []string // nil: the image's
	entrypoint  []string // nil: the image's
	environment map[string]string
	workdir     string // "": the image's
	user        string // "": see containerUser
	stopTimeout time.Duration

	volumes []volume // by target
	tmpfs   map[string]int64
	shmSize int64
	devices []container.DeviceRequest
	network string
	capAdd  []string // upper case, without CAP_

	readOnly   bool
	autoRemove bool
	autoMount  bool // the engine's binary is in the container, as its first process
	mountAsked bool // the task says so or not
	reuse      string

	result     string // resultStdout, resultFile, resultPath
	resultPath string
	filesIn    map[string]string // path in the container: field of the input
	filesOut   []string          // globs relative to /out
	module     string            // with export, a wasm task that runs in the container; ""
	export     string

	limits Limits // without zeros, but for Timeout
	grants
}

// volume is a directory or file of this machine that a container sees.
type volume struct {
	asked    string // as the task has it
	source   string // absolute, without links
	target   string
	writable bool
}

// parseSettings reads a task's spec, limits and grants. It resolves the links of
// volumes, and asks nothing else of the machine. All that is wrong is reported,
// joined.
func parseSettings(c *Config, task *engine.Task) (*settings, error) {
	spec, err := withDefaults(c.Defaults, task.Spec)
	if err != nil {
		return nil, err
	}
	s, specErr := parseSpec(c, spec)
	limits, limitsErr := parseLimits(task.Limits)
	s.limits = limits.Within(c.Limits).Within(c.Policy.Limits).withDefaults()
	var grantsErr error
	s.grants, grantsErr = parseGrants(c, task)
	if c.Grants != nil && s.registryAuth != "" {
		grantsErr = errors.Join(grantsErr, namesWithin("docker.registry_auth", []string{s.registryAuth}, c.Grants.Secrets))
	}
	if c.elsewhere {
		return s, errors.Join(specErr, limitsErr, grantsErr)
	}
	return s, errors.Join(specErr, limitsErr, grantsErr, c.checkPolicy(s))
}

// withDefaults lays one spec under another: mappings are merged by key, all else
// is the task's if it has it. A null takes a default away.
func withDefaults(defaults, spec json.RawMessage) (json.RawMessage, error) {
	under, err := fieldsOf("Config.Defaults", defaults)
	if err != nil || len(under) == 0 {
		return spec, err
	}
	over, err := fieldsOf("docker", spec)
	if err != nil {
		return nil, err
	}
	for key, value := range over {
		under[key] = merged(under[key], value)
	}
	return json.Marshal(under)
}

// merged is a mapping with another's entries over its own, or else the other.
func merged(under, over json.RawMessage) json.RawMessage {
	var all, own map[string]json.RawMessage
	if json.Unmarshal(under, &all) != nil || json.Unmarshal(over, &own) != nil || all == nil || own == nil {
		return over
	}
	for key, value := range own {
		all[key] = value
	}
	data, err := json.Marshal(all)
	if err != nil {
		return over
	}
	return data
}
