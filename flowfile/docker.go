package flowfile

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"

	"github.com/graflow/graflow-wasm/engine"
)

// Keys of a container's spec, limits and grants. Images, users and what else has a
// grammar of its own are for the handler to check.
var (
	dockerTexts = []string{"image", "workdir", "network", "registry_auth"}
	dockerLists = []string{"command", "entrypoint", "cap_add", "files_out"}
	dockerPairs = []string{"environment", "files_in"}
	dockerFlags = []string{"gpu", "read_only", "privileged", "auto_remove", "auto_mount", "auto_mount_graflow"}
	dockerWords = map[string][]string{"pull": {"missing", "always", "never"}, "reuse": {"none", "pool"}}
	dockerKeys  = slices.Concat(dockerTexts, dockerLists, dockerPairs, dockerFlags, []string{
		"pull", "reuse", "user", "volumes", "tmpfs", "shm_size", "gpus", "device_requests", "stop_timeout", "result", "wasm",
	})

	deviceKeys = []string{"driver", "count", "device_ids", "capabilities", "options"}

	dockerLimitKeys = []string{"timeout", "memory", "cpus", "pids", "output_bytes", "log_bytes", "open_files", "disk_bytes", "host_calls", "channel_ops"}
	dockerGrantKeys = []string{"secrets", "tools", "spawn", "channel", "control", "allow_secret_output"}
)

// ofSandbox says what stands in the place of the sandbox's own limits and grants.
var ofSandbox = map[string]string{
	"fuel": "bound a container with timeout and cpus", "stack": "bound a container with memory", "table_elements": "bound a container with memory",
	"http_requests": "a container has docker: {network: NAME}", "http_bytes": "a container has docker: {network: NAME}",
	"mounts": "a container has docker: {volumes: {HOST: {bind: /PATH, mode: ro}}}", "env": "a container has docker: {environment: {NAME: value}}",
	"http": "a container has docker: {network: NAME}", "http_networks": "a container has docker: {network: NAME}",
	"config": "a container has docker: {environment: {NAME: value}}",
	"clock":  "a container has the machine's", "random": "a container has the machine's", "seed": "a container has the machine's",
}

// limitKeysOf and grantKeysOf are the keys that a task may have, by its handler;
// nil is any. Defaults, which have no handler, may have those of each.
func limitKeysOf(t *engine.Task) []string { return keysOf(t, limitKeys, dockerLimitKeys) }
func grantKeysOf(t *engine.Task) []string { return keysOf(t, grantKeys, dockerGrantKeys) }

func keysOf(t *engine.Task, sandbox, container []string) []string {
	switch t.Handler {
	case "wasm", "script":
		return sandbox
	case "docker":
		return container
	case "":
		return slices.Concat(sandbox, container)
	}
	return nil
}

// notOf reports a key of limits or grants that the task's handler has not.
func (r *reader) notOf(t *engine.Task, what string, e *entry, known []string) {
	if instead := ofSandbox[e.key]; instead != "" && t.Handler == "docker" {
		r.fault(e.at, "%s: %s is the sandbox's; %s", what, e.key, instead)
		return
	}
	r.fault(e.at, "%s: unknown key %q%s", what, e.key, suggest(e.key, known))
}

// docker reads the spec of a container. Sizes become plain numbers; volumes and
// the module of a wasm task are relative to the file.
func (r *reader) docker(at string, n *node) json.RawMessage {
	return r.passed(at, n, "a mapping, as {image: debian:12, command: [ls]}", func(e *entry) *node {
		switch {
		case !slices.Contains(dockerKeys, e.key):
			r.fault(e.at, "docker: unknown key %q%s", e.key, suggest(e.key, dockerKeys))
		case e.value.kind != kindNull: // a null takes a default away
			return r.dockerKey(at+"."+e.key, e)
		}
		return e.value
	})
}

func (r *reader) dockerKey(at string, e *entry) *node {
	switch {
	case slices.Contains(dockerTexts, e.key):
		r.text(new(string))(at, e.value)
	case slices.Contains(dockerLists, e.key):
		r.names(new([]string))(at, e.value)
	case slices.Contains(dockerPairs, e.key):
		r.pairs(e)
	case slices.Contains(dockerFlags, e.key):
		r.boolean(new(bool))(at, e.value)
	case dockerWords[e.key] != nil:
		r.oneOf(e.value, dockerWords[e.key])
	case e.key == "stop_timeout":
		r.positive(e.value)
	case e.key == "shm_size":
		return r.size(e.value)
	case e.key == "tmpfs":
		return r.each(at, e.value, "a mapping of paths to sizes, as {/cache: 64MiB}", func(e *entry) *entry {
			return &entry{key: e.key, value: r.size(e.value)}
		})
	case e.key == "volumes":
		return r.volumes(at, e.value)
	case e.key == "wasm":
		return r.inContainer(e.value)
	default:
		r.dockerForm(e)
	}
	return e.value
}

// dockerForm checks the keys that are written in more than one way.
func (r *reader) dockerForm(e *entry) {
	n := e.value
	switch e.key {
	case "user":
		if n.kind != kindString && n.kind != kindNumber {
			r.want(n, `a user, as "1000:1000"`)
		}
	case "gpus":
		if n.kind != kindBool && n.kind != kindNumber && n.kind != kindList && (n.kind != kindString || n.text != "all") {
			r.want(n, "all, a number of GPUs, or a list of their ids")
		}
	case "result":
		if n.kind == kindMapping {
			r.fields("result", "", n, map[string]func(string, *node){"file": r.text(new(string))})
			return
		}
		if n.kind != kindString || n.text != "stdout" && n.text != "file" {
			r.want(n, "stdout, file, or {file: PATH}")
		}
	case "device_requests":
		r.deviceRequests(n)
	}
}

func (r *reader) deviceRequests(n *node) {
	if n.kind != kindList {
		r.want(n, "a list, as [{driver: nvidia, count: 1, capabilities: [[gpu]]}]")
		return
	}
	for _, item := range n.items {
		if item.kind != kindMapping {
			r.want(item, "a mapping, as {driver: nvidia, count: 1, capabilities: [[gpu]]}")
		}
		for _, e := range item.entries {
			if !slices.Contains(deviceKeys, e.key) {
				r.fault(e.at, "device_requests: unknown key %q%s", e.key, suggest(e.key, deviceKeys))
			}
		}
	}
}

// each is a mapping with each entry as read makes it.
func (r *reader) each(at string, n *node, want string, read func(*entry) *entry) *node {
	if n.kind != kindMapping {
		r.want(n, want)
		return n
	}
	same := &node{kind: kindMapping, at: n.at}
	for _, e := range n.entries {
		r.file.places[at+"."+e.key] = e.place()
		same.entries = append(same.entries, read(e))
	}
	return same
}

// volumes resolves paths of this machine, and wants them to differ then too.
func (r *reader) volumes(at string, n *node) *node {
	seen := map[string]bool{}
	return r.each(at, n, "a mapping, as {./data: {bind: /data, mode: ro}}", func(e *entry) *entry {
		same := r.volume(e)
		if !filepath.IsAbs(e.key) && !strings.HasPrefix(e.key, "/") {
			r.file.relative = append(r.file.relative, herePath{at + "." + e.key, relativeVolume})
		}
		if clean := filepath.Clean(same.key); seen[clean] && e.key != "" {
			r.fault(e.at, "%q is here twice", e.key)
		} else {
			seen[clean] = true
		}
		return same
	})
}

// volume resolves the path on this machine.
func (r *reader) volume(e *entry) *entry {
	n := e.value
	switch n.kind {
	case kindString:
	case kindMapping:
		r.fields("volume", "", n, map[string]func(string, *node){
			"bind": r.text(new(string)), "mode": func(_ string, n *node) { r.oneOf(n, []string{"ro", "rw"}) },
		})
		if n.get("bind") == nil {
			r.fault(e.at, "volume: the key %q is missing: where the container sees %s", "bind", e.key)
		}
	default:
		r.want(n, "where the container sees it, as /data or {bind: /data, mode: ro}")
	}
	if e.key == "" {
		r.fault(e.at, "want a path of this machine, as ./data")
		return e
	}
	return &entry{key: r.file.path(e.key), value: n}
}

// inContainer resolves the module of a task that the engine runs in the container.
func (r *reader) inContainer(n *node) *node {
	ref, export := n.text, ""
	if i := strings.LastIndexByte(n.text, '#'); i >= 0 {
		ref, export = n.text[:i], n.text[i:]
	}
	if n.kind != kindString || ref == "" || export == "#" {
		r.want(n, "a module, as ./img.wasm#resize")
		return n
	}
	return &node{kind: kindString, at: n.at, text: r.module(ref) + export}
}
