package docker

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/graflow/graflow-wasm/handlers/internal/guest"
)

// Policy is what an operator lets tasks ask for. Its zero value is the most
// restrictive that is useful: images that the daemon has, no network, mounts or
// devices, no user but the image's, a root that is read-only. A task that asks for
// more is refused, with what the policy would have to say; limits are capped.
type Policy struct {
	// Images are globs of images, each of a name with or without registry, and tag
	// or digest: "debian:12", "ghcr.io/acme/*", "ghcr.io/acme/**". "*" is any text
	// but "/", "**" any. A name alone is all its tags. nil: any image.
	Images []string
	// Pull are globs of registries, as "docker.io" or "*.acme.com:5000", that images
	// may be pulled from, "*" being all. nil: none, images must be there.
	Pull []string
	// Mounts are what volumes may show. nil: nothing.
	Mounts []Mount
	// Networks are names of the daemon's networks, compared as text. nil: only
	// "none". "host" and "container:NAME" take away a wall.
	Networks []string
	// GPUs allows requests of the capability gpu, by gpus or device_requests.
	GPUs bool
	// Devices are the drivers of other device requests.
	Devices []string
	// Users are who tasks may run as beside their image's user, nobody and any
	// "UID:GID" without a 0. "root" is also its numbers, other names are the image's.
	Users []string
	// Capabilities are those of Linux that cap_add may name, as "NET_RAW".
	Capabilities []string
	// WritableRoot allows read_only: false. What is written is bounded by nothing.
	WritableRoot bool
	// DenyAutoMount refuses what needs the engine's binary in the container.
	DenyAutoMount bool
	// Pool allows reuse: pool.
	Pool bool
	// Keep allows auto_remove: false. What is kept is for others to remove.
	Keep bool
	// Limits are the most a task may have. A zero field sets no maximum; a task that
	// asks for more gets the maximum.
	Limits Limits
}

// Mount is a directory or file of this machine. Volumes may show it, and all below
// it but what is the system's, as the sockets of daemons: that must be named itself.
type Mount struct {
	Host     string // absolute
	Writable bool
}

// check says what no task could be held to.
func (p Policy) check() error {
	var errs []error
	for i, m := range p.Mounts {
		if !filepath.IsAbs(filepath.FromSlash(m.Host)) {
			errs = append(errs, fmt.Errorf("policy.mounts[%d].host: got %q, want an absolute path", i, m.Host))
		}
	}
	for i, name := range p.Capabilities {
		if !slices.Contains(capabilities, capability(name)) {
			errs = append(errs, fmt.Errorf("policy.capabilities[%d]: %q is no capability%s", i, name, guest.DidYouMean(capability(name), capabilities)))
		}
	}
	return errors.Join(errs...)
}

// networkNone is no network but the container's own loopback.
const networkNone = "none"

// checkPolicy says all that the operator does not allow, and sets how an image is
// pulled if the task leaves that open.
func (c *Config) checkPolicy(s *settings) error {
	p := c.Policy
	var errs []error
	for _, v := range s.volumes {
		errs = append(errs, c.checkVolume(v))
	}
	errs = append(errs,
		p.checkImage(s),
		p.checkUser(s.user),
		p.checkDevices(s.devices),
		p.checkCapabilities(s.capAdd),
		p.checkNetwork(s.network),
	)
	for _, f := range []struct {
		wrong     bool
		key, what string
	}{
		{!s.readOnly && !p.WritableRoot, "read_only", "the operator does not allow a writable root: write to /tmp, or to a tmpfs or volume of your own; they would write writable_root: true in the policy"},
		{s.autoMount && p.DenyAutoMount, "auto_mount", "the operator denies the engine's binary in containers, which auto_mount, wasm, result: {file: PATH}, files_out and reuse: pool need"},
		{s.reuse == reusePool && !p.Pool, "reuse", "the operator does not allow pools: they would write pool: true in the policy"},
		{!s.autoRemove && !p.Keep, "auto_remove", "the operator does not allow containers to be kept: they would write keep: true in the policy"},
	} {
		if f.wrong {
			errs = append(errs, fmt.Errorf("docker.%s: %s", f.key, f.what))
		}
	}
	return errors.Join(errs...)
}

// checkImage checks the image, and where it may come from.
func (p Policy) checkImage(s *settings) error {
	r := s.image
	if r.id == "" && r.path == "" {
		return nil // said already
	}
	if p.Images != nil && !slices.ContainsFunc(p.Images, r.matches) {
		return fmt.Errorf("docker.image: the operator does not allow %q: they would write images: [%q] in the policy", r.text, r.text)
	}
	mayPull := r.id == "" && slices.ContainsFunc(p.Pull, func(glob string) bool { return globMatches(glob, r.domain) })
	switch {
	case s.pull == "" && mayPull:
		s.pull = pullMissing
	case s.pull == "":
		s.pull = pullNever
	case s.pull != pullNever && !mayPull && r.id == "":
		return fmt.Errorf("docker.pull: the operator does not allow pulling from %s: leave pull out for an image that the daemon has, or they would write pull: [%q] in the policy", r.domain, r.domain)
	}
	if s.registryAuth != "" && !mayPull && r.id == "" {
		return fmt.Errorf("docker.registry_auth: the operator does not allow pulling from %s, so no credentials are sent there", r.domain)
	}
	return nil
}

func (p Policy) checkNetwork(network string) error {
	if network == networkNone || network == "" || slices.Contains(p.Networks, network) {
		return nil
	}
	return fmt.Errorf("docker.network: the operator does not allow %q: they would write networks: [%q] in the policy; without it a task has none", network, network)
}

// systemDirs are those of this machine's kernel and daemons. A mount of one, of
// what is in it, or of what it is in, must be allowed by name.
var systemDirs = []string{
	"/", "/proc", "/sys", "/dev", "/run", "/var/run", "/boot", "/var/lib/docker", "/var/lib/containerd", "/var/lib/containers",
}

// checkVolume checks what was resolved, so that no link leads elsewhere.
func (c *Config) checkVolume(v volume) error {
	if v.source == "" {
		return nil // said already
	}
	where := fmt.Sprintf("docker.volumes[%q]", v.asked)
	system := c.system(v.source)
	if info, err := os.Lstat(v.source); err == nil && !info.IsDir() && !info.Mode().IsRegular() {
		system = cmp.Or(system, v.source) // a socket, a device or a FIFO
	}
	below := false
	for _, m := range c.Policy.Mounts {
		dir, err := resolve("", m.Host)
		if err != nil { // there is no such thing here, so no volume is in it
			continue
		}
		isIt := dir == v.source || system == "" && isBelow(dir, v.source)
		if isIt && (m.Writable || !v.writable) {
			return nil
		}
		below = below || isIt
	}
	switch {
	case below:
		return fmt.Errorf("%s.mode: the operator allows %s for reading: write mode: ro", where, v.source)
	case system != "":
		return fmt.Errorf("%s: %s is, holds or is in %s, which is the machine's own: an operator can allow it by its very path alone, as mounts: [{host: %q, writable: %t}] in the policy", where, v.source, system, v.source, v.writable)
	}
	return fmt.Errorf("%s: the operator does not allow %s: they would write mounts: [{host: %q, writable: %t}] in the policy", where, v.source, v.source, v.writable)
}

// system is the directory of the system or of the engine that a path is, holds or
// is in, or "".
func (c *Config) system(file string) string {
	own := append([]string{c.Scratch, strings.TrimPrefix(c.Host, "unix://")}, systemDirs...)
	for _, dir := range own {
		if !filepath.IsAbs(dir) {
			continue
		}
		if resolved, err := filepath.EvalSymlinks(dir); err == nil {
			dir = resolved
		}
		if isBelow(file, dir) || dir != "/" && isBelow(dir, file) {
			return dir
		}
	}
	return ""
}

// isBelow tells whether file is dir or below it. Both are absolute and clean.
func isBelow(dir, file string) bool {
	rel, err := filepath.Rel(dir, file)
	return err == nil && filepath.IsLocal(rel)
}
