package docker

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/handlers/internal/guest"
)

// specKeys are the keys of a task's spec, in the order in which they are told.
var specKeys = []string{
	"image", "command", "entrypoint", "environment", "workdir", "user", "volumes", "tmpfs", "shm_size",
	"gpus", "gpu", "device_requests", "network", "read_only", "cap_add", "privileged",
	"pull", "registry_auth", "auto_remove", "auto_mount", "auto_mount_graflow", "reuse", "stop_timeout",
	"result", "files_in", "files_out", "wasm",
}

// mostStopTimeout bounds how long a task can hold up its own end.
const mostStopTimeout = 10 * time.Minute

// parseSpec reads a spec. The settings can be used for checks even if there is an
// error.
func parseSpec(c *Config, spec json.RawMessage) (*settings, error) {
	s := &settings{
		network: networkNone, readOnly: true, autoRemove: true, reuse: reuseNone, result: resultStdout,
		stopTimeout: DefaultStopTimeout, shmSize: defaultShmSize,
	}
	d, err := guest.Object("docker", spec, specKeys...)
	return s, errors.Join(
		err,
		s.parseImage(d),
		s.parseProcess(d),
		s.parseVolumes(d, c),
		s.parseTmpfs(d),
		s.parseDevices(d),
		s.parseIsolation(d),
		s.parseLife(d),
		s.parseFiles(d),
		s.parseWasm(d),
		s.checkTogether(d),
	)
}

func (s *settings) parseImage(d guest.Document) error {
	var image string
	err := errors.Join(
		d.Text("image", &image),
		word(d, "pull", &s.pull, pullMissing, pullAlways, pullNever),
		d.Text("registry_auth", &s.registryAuth),
	)
	if err != nil {
		return err
	}
	if image == "" {
		return errors.New(`docker.image: missing: write the image that the task runs in, as "debian:12"`)
	}
	if s.image, err = parseReference(image); err != nil {
		return fmt.Errorf("docker.image: %w", err)
	}
	if s.image.id != "" && (s.pull == pullAlways || s.registryAuth != "") {
		return fmt.Errorf("docker.image: %q is the id of an image, which no registry has; write its name to pull it", image)
	}
	return nil
}

// parseProcess reads what is run, and as whom.
func (s *settings) parseProcess(d guest.Document) error {
	return errors.Join(
		arguments(d, "command", &s.command),
		arguments(d, "entrypoint", &s.entrypoint),
		s.parseEnvironment(d),
		path(d, "workdir", &s.workdir),
		s.parseUser(d),
	)
}

// reservedPrefix begins the names of the environment that are the engine's.
const reservedPrefix = "GRAFLOW_"

func (s *settings) parseEnvironment(d guest.Document) error {
	errs := []error{d.Pairs("environment", &s.environment)}
	for _, name := range slices.Sorted(maps.Keys(s.environment)) {
		where := fmt.Sprintf("docker.environment[%q]", name)
		switch {
		case name == "" || strings.ContainsAny(name, "=\x00") || hasControls(name):
			errs = append(errs, fmt.Errorf(`%s: no name of a variable: it is empty or has "=" or a control character`, where))
		case strings.HasPrefix(name, reservedPrefix):
			errs = append(errs, fmt.Errorf("%s: names with %s are the engine's; take another one", where, reservedPrefix))
		case strings.Contains(s.environment[name], "\x00"):
			errs = append(errs, fmt.Errorf("%s: the value has a NUL byte, which no variable can hold", where))
		}
	}
	return errors.Join(errs...)
}

// parseIsolation reads what loosens a container's walls.
func (s *settings) parseIsolation(d guest.Document) error {
	var readOnly, privileged *bool
	err := errors.Join(
		d.Text("network", &s.network),
		d.Flag("read_only", &readOnly),
		d.Flag("privileged", &privileged),
		s.parseCapabilities(d),
	)
	if s.network == "" || hasControls(s.network) {
		err = errors.Join(err, d.Wrong("network", `"none", or the name of a network that the operator allows`))
	}
	s.readOnly = readOnly == nil || *readOnly
	if privileged != nil && *privileged {
		err = errors.Join(err, errors.New("docker.privileged: a privileged container is no wall at all, and no policy allows it; "+
			"name what it needs in volumes, device_requests or cap_add, or run the task directly"))
	}
	return err
}

// parseLife reads how a container comes and goes.
func (s *settings) parseLife(d guest.Document) error {
	var remove, mount, alias *bool
	err := errors.Join(
		d.Flag("auto_remove", &remove),
		d.Flag("auto_mount", &mount),
		d.Flag("auto_mount_graflow", &alias),
		word(d, "reuse", &s.reuse, reuseNone, reusePool),
		d.Duration("stop_timeout", &s.stopTimeout),
	)
	if mount != nil && alias != nil {
		err = errors.Join(err, errors.New("docker.auto_mount_graflow: it is another name of auto_mount; write one of them"))
	}
	if s.stopTimeout > mostStopTimeout {
		err = errors.Join(err, d.Wrong("stop_timeout", "at most "+mostStopTimeout.String()))
	}
	s.autoRemove = remove == nil || *remove
	if mount == nil {
		mount = alias
	}
	if mount != nil {
		s.autoMount, s.mountAsked = *mount, true
	}
	return err
}

// parseWasm reads a task of a module that the engine runs in the container.
func (s *settings) parseWasm(d guest.Document) error {
	var ref string
	if err := d.Text("wasm", &ref); err != nil || d.Field("wasm") == nil {
		return err
	}
	s.module, s.export = ref, ""
	if i := strings.LastIndexByte(ref, '#'); i >= 0 {
		s.module, s.export = ref[:i], ref[i+1:]
	}
	if s.module == "" || hasControls(ref) || strings.HasSuffix(ref, "#") {
		return d.Wrong("wasm", `a module, as "./img.wasm#resize"`)
	}
	return nil
}

// checkTogether refuses keys that contradict each other, and mounts the engine's
// binary if a key needs it.
func (s *settings) checkTogether(d guest.Document) error {
	var errs []error
	if s.module != "" {
		for _, key := range []string{"command", "entrypoint", "result"} {
			if d.Field(key) != nil {
				errs = append(errs, fmt.Errorf("docker.%s: the task is that of docker.wasm; leave one of them out", key))
			}
		}
	}
	if s.reuse == reusePool && len(s.filesIn) > 0 {
		errs = append(errs, errors.New("docker.files_in: a container of a pool can't be given other files; read the input from stdin or $GRAFLOW_INPUT, or leave reuse out"))
	}
	if s.reuse == reusePool && !s.autoRemove {
		errs = append(errs, errors.New("docker.auto_remove: a container of a pool is removed with the pool; leave auto_remove out, or reuse"))
	}
	for key, needed := range map[string]bool{
		"wasm": s.module != "", "result": s.result == resultPath, "files_out": s.filesOut != nil, "reuse": s.reuse == reusePool,
	} {
		if needed && s.mountAsked && !s.autoMount {
			errs = append(errs, fmt.Errorf("docker.auto_mount: docker.%s needs the engine's binary in the container; leave auto_mount out", key))
		}
		s.autoMount = s.autoMount || needed && !s.mountAsked
	}
	slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(append(errs, s.checkTargets())...)
}

// word reads one of some words.
func word(d guest.Document, key string, into *string, words ...string) error {
	if d.Field(key) == nil {
		return nil
	}
	var got string
	if err := d.Text(key, &got); err != nil || !slices.Contains(words, got) {
		return d.Wrong(key, "one of "+guest.Quoted(words)+guest.DidYouMean(got, words))
	}
	*into = got
	return nil
}

// arguments reads a command line: strings that may be empty, of which the first
// is not.
func arguments(d guest.Document, key string, into *[]string) error {
	raw := d.Field(key)
	if raw == nil {
		return nil
	}
	var items []*string // a null is none
	if json.Unmarshal(raw, &items) != nil || slices.Contains(items, nil) {
		return d.Wrong(key, `a list of strings, as ["sh", "-c", "echo hello"]: no shell splits it`)
	}
	line := make([]string, len(items))
	for i, item := range items {
		if line[i] = *item; strings.Contains(*item, "\x00") {
			return fmt.Errorf("docker.%s[%d]: it has a NUL byte, which no argument can hold", key, i)
		}
	}
	if len(line) > 0 && line[0] == "" && key == "entrypoint" {
		return fmt.Errorf("docker.%s[0]: it is empty: want a program", key)
	}
	*into = line
	return nil
}

// entries reads a mapping whose values are for the caller to read.
func entries(d guest.Document, key string) (map[string]json.RawMessage, error) {
	raw := d.Field(key)
	if raw == nil {
		return nil, nil
	}
	all, err := fieldsOf("", raw)
	if err != nil {
		return nil, d.Wrong(key, "a mapping")
	}
	return all, nil
}

// fieldsOf decodes an object; nothing at all and null are an empty one.
func fieldsOf(name string, data json.RawMessage) (map[string]json.RawMessage, error) {
	fields := map[string]json.RawMessage{}
	if len(bytes.TrimSpace(data)) == 0 {
		return fields, nil
	}
	if err := json.Unmarshal(data, &fields); err != nil {
		return nil, fmt.Errorf("%s: want a mapping, as {image: NAME}: %w", name, err)
	}
	if fields == nil {
		fields = map[string]json.RawMessage{}
	}
	return fields, nil
}

// sorted are the keys of a mapping, in the order in which they are told.
func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
