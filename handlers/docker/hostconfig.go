package docker

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	slashpath "path"
	"slices"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"

	"github.com/graflow/graflow-wasm/handlers/docker/inside"
	"github.com/graflow/graflow-wasm/sdk/abi"
)

// place is what a container is made at: all that is of one attempt, of one image
// or of one machine.
type place struct {
	// Dir is the attempt's directory, mounted read-only at /run/graflow. "": none.
	// A file that is mounted in it, as Binary and Module, needs an empty one of its
	// name there.
	Dir string
	// Image is the id or reference to create from.
	Image string
	// ImageUser, Entrypoint, Cmd and Volumes are the image's own. Volumes become
	// trees in memory: Docker's would be on disk, without a bound.
	ImageUser  string
	Entrypoint []string
	Cmd        []string
	Volumes    []string
	// Binary is the engine's, mounted as /run/graflow/graflow and graflow-call.
	// Required if the settings' autoMount is set.
	Binary string
	// Module is the file of the module of a wasm task. Required if there is one.
	Module string
	// Cache is a directory with the compiled code of Module. "": none.
	Cache string
	// CPUs are those of the daemon's machine: it refuses to make containers with
	// more. 0: not known.
	CPUs int
	// Labels win over the image's.
	Labels map[string]string
	// Env is what the engine tells the container. It wins over the task's.
	Env map[string]string
	// FilesIn are files of this machine, by their paths in the container; they are
	// mounted read-only.
	FilesIn map[string]string
}

// Files of the attempt's directory that are mounted into it, and what the engine's
// own process is told.
const (
	binaryFile = "graflow"
	callFile   = inside.CallName
	moduleFile = "module.wasm"
	cacheDir   = "cache"
)

// containerConfig is what a container is created with. It is made from its
// arguments alone.
func (s *settings) containerConfig(a place) (*container.Config, *container.HostConfig) {
	line, args := s.commandLine(a)
	stop := int(s.stopTimeout.Seconds())
	return &container.Config{
		Image:        a.Image,
		User:         s.containerUser(a.ImageUser),
		Env:          s.env(a),
		Entrypoint:   line,
		Cmd:          args,
		WorkingDir:   s.workdir,
		Labels:       maps.Clone(a.Labels),
		AttachStdin:  true,
		AttachStdout: true,
		AttachStderr: true,
		OpenStdin:    true,
		StdinOnce:    true,
		StopSignal:   "SIGTERM",
		StopTimeout:  &stop,
		Healthcheck:  &container.HealthConfig{Test: []string{"NONE"}},
	}, s.hostConfig(a)
}

// hostConfig is the hardened part: all that is not of the settings is as tight as
// Docker can have it.
func (s *settings) hostConfig(a place) *container.HostConfig {
	pids := s.limits.PIDs
	return &container.HostConfig{
		NetworkMode:    container.NetworkMode(s.network),
		ReadonlyRootfs: s.readOnly,
		CapDrop:        []string{"ALL"},
		CapAdd:         slices.Clone(s.capAdd),
		SecurityOpt:    []string{"no-new-privileges:true"},
		IpcMode:        container.IPCModePrivate,
		CgroupnsMode:   container.CgroupnsModePrivate,
		RestartPolicy:  container.RestartPolicy{Name: container.RestartPolicyDisabled},
		LogConfig:      container.LogConfig{Type: "none"}, // attached streams are what is read
		ShmSize:        s.shmSize,
		Tmpfs:          s.trees(),
		Mounts:         s.mounts(a),
		Resources: container.Resources{
			Memory:         s.limits.Memory,
			MemorySwap:     s.limits.Memory, // with swap, so there is none
			NanoCPUs:       nanoCPUs(s.limits.CPUs, a.CPUs),
			PidsLimit:      &pids,
			DeviceRequests: slices.Clone(s.devices),
			Ulimits: []*container.Ulimit{
				{Name: "core", Soft: 0, Hard: 0},
				{Name: "nofile", Soft: s.limits.OpenFiles, Hard: s.limits.OpenFiles},
			},
		},
	}
}

// nanoCPUs is a number of processors as Docker has it, at most those there are.
func nanoCPUs(asked float64, most int) int64 {
	if most > 0 {
		asked = min(asked, float64(most))
	}
	return int64(math.Round(asked * 1e9))
}

// containerUser is the task's user, else the image's unless that is root.
func (s *settings) containerUser(image string) string {
	switch {
	case s.user != "":
		return s.user
	case isRoot(image):
		return nobody
	}
	return image
}

// commandLine is the entrypoint and its arguments. As with docker run, a task's
// entrypoint takes away the image's command.
func (s *settings) commandLine(a place) (entrypoint, args []string) {
	own := []string{ownDir + "/" + binaryFile, inside.Word}
	switch {
	case s.reuse == reusePool:
		return append(own, inside.VerbServe), nil
	case s.module != "":
		return append(own, inside.VerbWasm), []string{ownDir + "/" + moduleFile, s.export}
	case s.autoMount:
		return append(own, inside.VerbRun, "--"), s.line(a)
	}
	return slices.Clone(s.entrypoint), s.args(a)
}

// line is all that a task's own command line is.
func (s *settings) line(a place) []string {
	entrypoint := s.entrypoint
	if entrypoint == nil {
		entrypoint = a.Entrypoint
	}
	return slices.Concat(entrypoint, s.args(a))
}

func (s *settings) args(a place) []string {
	if s.command == nil && len(s.entrypoint) == 0 {
		return slices.Clone(a.Cmd)
	}
	return slices.Clone(s.command)
}

// env is the whole environment beside what the image has.
func (s *settings) env(a place) []string {
	all := map[string]string{}
	maps.Copy(all, s.environment)
	if s.result == resultPath {
		all[inside.EnvResultFile] = s.resultPath
	}
	if s.filesOut != nil {
		globs, err := json.Marshal(s.filesOut)
		if err != nil {
			panic(err) // strings
		}
		all[abi.EnvOut], all[inside.EnvFilesOut] = outDir, string(globs)
	}
	maps.Copy(all, a.Env)
	var env []string
	for _, name := range sorted(all) {
		env = append(env, name+"="+all[name])
	}
	return env
}

// trees are the trees in memory, by path, with the options of their mounts.
func (s *settings) trees() map[string]string {
	sizes := map[string]int64{tmpDir: s.limits.DiskBytes}
	if s.filesOut != nil {
		sizes[outDir] = s.limits.DiskBytes
	}
	maps.Copy(sizes, s.tmpfs)
	trees := map[string]string{}
	for at, size := range sizes {
		trees[at] = fmt.Sprintf("rw,nosuid,nodev,exec,size=%d,mode=1777", size)
	}
	return trees
}

// mounts are the engine's files, those of the input, and the volumes. A mount below
// a volume's directory on this machine is not in the container: it would be
// writable whatever the volume is.
func (s *settings) mounts(a place) []mount.Mount {
	var all []mount.Mount
	if a.Dir != "" {
		all = append(all, bind(a.Dir, ownDir, false))
	}
	if s.autoMount {
		all = append(all, bind(a.Binary, ownDir+"/"+binaryFile, false), bind(a.Binary, ownDir+"/"+callFile, false))
	}
	if s.module != "" {
		all = append(all, bind(a.Module, ownDir+"/"+moduleFile, false))
	}
	if a.Cache != "" {
		all = append(all, bind(a.Cache, ownDir+"/"+cacheDir, false))
	}
	for _, at := range sorted(a.FilesIn) {
		all = append(all, bind(a.FilesIn[at], at, false))
	}
	for _, v := range s.volumes {
		all = append(all, bind(v.source, v.target, v.writable))
	}
	return append(all, s.imageVolumes(a.Volumes)...)
}

// imageVolumes are empty trees in place of the image's own volumes.
func (s *settings) imageVolumes(paths []string) []mount.Mount {
	var all []mount.Mount
	targets := s.targets()
	for _, at := range slices.Sorted(slices.Values(paths)) {
		at = slashpath.Clean("/" + at)
		taken := slices.ContainsFunc(targets, func(t target) bool { return t.path == at })
		if taken || at == ownDir || at == tmpDir || at == outDir && s.filesOut != nil {
			continue
		}
		all = append(all, mount.Mount{
			Type: mount.TypeTmpfs, Target: at,
			TmpfsOptions: &mount.TmpfsOptions{SizeBytes: s.limits.DiskBytes, Mode: 0o1777},
		})
	}
	return all
}

func bind(source, target string, writable bool) mount.Mount {
	return mount.Mount{
		Type: mount.TypeBind, Source: source, Target: target, ReadOnly: !writable,
		BindOptions: &mount.BindOptions{Propagation: mount.PropagationRPrivate, NonRecursive: true},
	}
}
