package docker

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/system"
	"github.com/docker/docker/client"
)

// Status says how a Finding is to be taken.
type Status string

// Statuses of findings.
const (
	StatusOK      Status = "ok"
	StatusNote    Status = "note"    // of no consequence to who has no tasks in containers
	StatusWarning Status = "warning" // it works, but not all of it
	StatusWrong   Status = "wrong"   // a task would have more than it is to have, or can't run
)

// Finding is what Examine found out about one thing.
type Finding struct {
	Check  string // what was looked at, as "docker limits"
	Status Status
	Text   string
	Do     string // what to do about it; may be ""
}

// Report is what Examine found out.
type Report struct {
	Findings []Finding
	Answers  bool // a daemon does
	GPU      bool // it has what hands GPUs to containers
}

// Examine looks at all that tasks in containers need: the daemon of config and whether
// it enforces their limits, its runtimes, the scratch directory, the binary for
// auto_mount, and what dead processes have left. It runs no container, and makes
// nothing but the scratch directory. It blocks until the daemon has answered or ctx
// ends; without a daemon nothing else is looked at.
func Examine(ctx context.Context, config Config) Report {
	var r Report
	docker, err := newClient(config.Host)
	if err != nil {
		r.add(StatusWrong, "docker", "correct DOCKER_HOST and its like, or unset them", "%v", err)
		return r
	}
	defer func() { _ = docker.Close() }() // nothing is under way
	info, err := docker.Info(ctx)
	if err != nil {
		r.add(StatusNote, "docker", "if you have Docker tasks: start the daemon, join the group that may use it, or name another with DOCKER_HOST", "no daemon answers: %v", err)
		return r
	}
	r.Answers, r.GPU = true, hasGPU(docker, info)
	r.daemon(docker, info)
	r.limits(info)
	r.walls(info)
	r.runtimes(info)
	s := &scratch{asked: config.Scratch}
	r.scratch(s)
	r.binary(&Handler{config: config})
	r.orphans(ctx, docker, s)
	return r
}

func (r *Report) add(status Status, check, do, format string, args ...any) {
	r.Findings = append(r.Findings, Finding{Check: check, Status: status, Text: fmt.Sprintf(format, args...), Do: do})
}

// daemon looks at what answers, and where.
func (r *Report) daemon(docker *client.Client, info system.Info) {
	text := fmt.Sprintf("%s at %s, API %s, on %s, storage %s, cgroup v%s", info.ServerVersion, docker.DaemonHost(), docker.ClientVersion(),
		orUnknown(info.OperatingSystem), orUnknown(info.Driver), orUnknown(info.CgroupVersion))
	if slices.ContainsFunc(info.SecurityOptions, func(o string) bool { return strings.HasPrefix(o, "name=rootless") }) {
		text += ", rootless"
	}
	switch {
	case info.OSType != "linux":
		r.add(StatusWrong, "docker", "use a daemon for containers of Linux", "%s: its containers are of %s", text, orUnknown(info.OSType))
	case !strings.HasPrefix(docker.DaemonHost(), "unix://"):
		r.add(StatusWarning, "docker", "use a daemon of this machine, or one that sees its files", "%s: containers are given files and sockets of this machine, which a daemon elsewhere does not see", text)
	case info.Driver == "vfs":
		r.add(StatusWarning, "docker", "have the daemon use overlay2", "%s: each container is a whole copy of its image", text)
	default:
		r.add(StatusOK, "docker", "", "%s", text)
	}
}

func orUnknown(text string) string {
	if text == "" {
		return "(unknown)"
	}
	return text
}

// limits looks for limits that the daemon takes and does not enforce.
func (r *Report) limits(info system.Info) {
	var not []string
	for _, l := range []struct {
		enforced bool
		name     string
	}{
		{info.MemoryLimit, "memory"},
		{info.SwapLimit, "memory with swap"},
		{info.PidsLimit, "pids"},
		{info.CPUCfsQuota, "cpus"},
	} {
		if !l.enforced {
			not = append(not, l.name)
		}
	}
	if len(not) > 0 {
		r.add(StatusWrong, "docker limits", "give the daemon the cgroup controllers: by cgroup v2 and systemd where it is rootless, or cgroup_enable=memory swapaccount=1 on the kernel's command line",
			"the daemon does not enforce %s: a task can take what the machine has", strings.Join(not, ", "))
		return
	}
	r.add(StatusOK, "docker limits", "", "memory, swap, pids and cpus are enforced")
}

// walls looks at what stands between a container and the kernel.
func (r *Report) walls(info system.Info) {
	const check = "docker seccomp"
	for _, option := range info.SecurityOptions {
		switch {
		case !strings.HasPrefix(option, "name=seccomp"):
		case strings.Contains(option, "profile=unconfined"):
			r.add(StatusWrong, check, "take seccomp-profile out of the daemon's configuration", "the daemon's default is no filter: containers may make all system calls")
			return
		default:
			r.add(StatusOK, check, "", "system calls are filtered")
			return
		}
	}
	r.add(StatusWrong, check, "use a kernel and a daemon with seccomp", "the daemon has no filter: containers may make all system calls")
}

// runtimes lists what runs containers, and tells whether GPUs can be had.
func (r *Report) runtimes(info system.Info) {
	var names []string
	for name := range info.Runtimes {
		names = append(names, name)
	}
	slices.Sort(names)
	text := fmt.Sprintf("%s, by default %s", strings.Join(names, ", "), orUnknown(info.DefaultRuntime))
	if r.GPU {
		r.add(StatusOK, "docker runtimes", "", "%s; GPUs can be asked for", text)
		return
	}
	r.add(StatusOK, "docker runtimes", "", "%s; no GPU runtime: tasks that ask for one fail with the kind %s", text, KindNoGPU)
}

// gpuHook is the program by which the daemon hands out GPUs of NVIDIA, if it finds it.
const gpuHook = "nvidia-container-runtime-hook"

// hasGPU tells whether the daemon has what hands GPUs to containers: a runtime for it,
// devices of the Container Device Interface, or NVIDIA's hook beside it.
func hasGPU(docker *client.Client, info system.Info) bool {
	for name := range info.Runtimes {
		if strings.Contains(name, "nvidia") {
			return true
		}
	}
	for _, device := range info.DiscoveredDevices {
		if strings.Contains(device.ID, "/gpu=") {
			return true
		}
	}
	return strings.HasPrefix(docker.DaemonHost(), "unix://") && inPath(gpuHook)
}

func inPath(program string) bool {
	_, err := exec.LookPath(program)
	return err == nil
}

// scratch looks at the directory for what containers are given.
func (r *Report) scratch(s *scratch) {
	const check, do = "docker scratch", "name a directory of this user alone, in memory, with --docker-scratch"
	dir, err := filepath.Abs(s.shared())
	if err == nil {
		err = own(dir)
	}
	switch {
	case err != nil:
		r.add(StatusWrong, check, do, "%v", err)
	case !inMemory(dir):
		r.add(StatusWarning, check, do, "%s is not in memory: tasks that are granted secrets are refused", dir)
	default:
		r.add(StatusOK, check, "", "%s, in memory", dir)
	}
}

// binary looks at what auto_mount mounts.
func (r *Report) binary(h *Handler) {
	name, err := h.binary()
	if err != nil {
		r.add(StatusWarning, "docker auto_mount", "use a static build of this program", "%v; tasks with auto_mount, wasm, files_out, result: {file: PATH} and reuse: pool fail", err)
		return
	}
	r.add(StatusOK, "docker auto_mount", "", "%s is static", name)
}

// orphans counts what dead processes have left.
func (r *Report) orphans(ctx context.Context, docker *client.Client, s *scratch) {
	const check = "docker orphans"
	shared, err := filepath.Abs(s.shared())
	if err != nil {
		return // said already
	}
	found, err := docker.ContainerList(ctx, container.ListOptions{All: true, Filters: filters.NewArgs(
		filters.Arg("label", LabelScratch+"="+shared), filters.Arg("label", LabelMachine+"="+machine()),
	)})
	if err != nil {
		r.add(StatusWrong, check, "", "look for containers that were left: %v", err)
		return
	}
	left, kept := 0, 0
	for _, c := range found {
		switch {
		case c.Labels[LabelKept] != "":
			kept++
		case isDead(shared, c.Labels[LabelInstance]):
			left++
		}
	}
	text := ""
	if kept > 0 {
		text = fmt.Sprintf("; %d kept by auto_remove: false, which docker rm removes", kept)
	}
	if left > 0 {
		r.add(StatusWarning, check, "nothing: the next Docker task of this user on this machine removes them", "%d of dead processes%s", left, text)
		return
	}
	r.add(StatusOK, check, "", "none of dead processes%s", text)
}
