package docker

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/system"
	"github.com/docker/docker/client"

	"github.com/graflow/graflow-wasm/internal/dockertest"
)

func finding(t *testing.T, r Report, check string) Finding {
	t.Helper()
	for _, f := range r.Findings {
		if f.Check == check {
			return f
		}
	}
	t.Fatalf("got %+v, want a finding %q", r.Findings, check)
	return Finding{}
}

// TestExamine examines the real daemon, with a container that a dead process left.
func TestExamine(t *testing.T) {
	t.Parallel()
	dockertest.Daemon(t)
	scratch := scratchOf(t)
	if err := os.Chmod(scratch, 0o700); err != nil { //nolint:gosec // a directory
		t.Fatal(err)
	}
	docker, err := newClient("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = docker.Close() })
	program := dockertest.Program(t, "./inside/testdata/inside")
	config := Config{Scratch: scratch, Binary: program}
	r := Examine(t.Context(), config)
	for check, want := range map[string]string{
		"docker":            "API ",
		"docker limits":     "are enforced",
		"docker seccomp":    "are filtered",
		"docker runtimes":   "runc",
		"docker scratch":    scratch + ", in memory",
		"docker auto_mount": program + " is static",
		"docker orphans":    "none of dead processes",
	} {
		if f := finding(t, r, check); f.Status != StatusOK || !strings.Contains(f.Text, want) {
			t.Errorf("got %+v, want it ok, with %q", f, want)
		}
	}
	if !r.Answers {
		t.Error("the daemon does not answer")
	}
	leave(t, docker, scratch, "")
	leave(t, docker, scratch, "true")
	if f := finding(t, Examine(t.Context(), config), "docker orphans"); f.Status != StatusWarning || !strings.Contains(f.Text, "1 of dead processes; 1 kept") || f.Do == "" {
		t.Errorf("got %+v, want one container of a dead process, and one kept", f)
	}
}

// leave makes a container as of a process that is dead, for the time of the test.
func leave(t *testing.T, docker *client.Client, scratch, kept string) {
	t.Helper()
	labels := map[string]string{LabelScratch: scratch, LabelMachine: machine(), LabelInstance: "dead"}
	if kept != "" {
		labels[LabelKept] = kept
	}
	made, err := docker.ContainerCreate(t.Context(), &container.Config{Image: dockertest.Busybox(t), Labels: labels}, nil, nil, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := docker.ContainerRemove(context.WithoutCancel(t.Context()), made.ID, container.RemoveOptions{Force: true}); err != nil {
			t.Error(err)
		}
	})
}

// TestExamineNothing wants no daemon to be a note, and an address that is none a fault.
func TestExamineNothing(t *testing.T) {
	t.Parallel()
	r := Examine(t.Context(), Config{Host: "unix://" + filepath.Join(t.TempDir(), "none")})
	if f := finding(t, r, "docker"); r.Answers || r.GPU || len(r.Findings) != 1 || f.Status != StatusNote || f.Do == "" {
		t.Errorf("got %+v, want a note that nobody answers", r)
	}
	r = Examine(t.Context(), Config{Host: "none"})
	if f := finding(t, r, "docker"); f.Status != StatusWrong {
		t.Errorf("got %+v, want it wrong", f)
	}
}

// TestExamineFaults wants what a daemon lacks to be told, of daemons that are not here.
func TestExamineFaults(t *testing.T) {
	t.Parallel()
	here, err := newClient("unix:///nowhere")
	if err != nil {
		t.Fatal(err)
	}
	far, err := newClient("tcp://192.0.2.1:2375")
	if err != nil {
		t.Fatal(err)
	}
	good := system.Info{
		OSType: "linux", Driver: "overlay2", MemoryLimit: true, SwapLimit: true, PidsLimit: true, CPUCfsQuota: true,
		SecurityOptions: []string{"name=rootless", "name=seccomp,profile=builtin"},
	}
	for name, c := range map[string]struct {
		docker *client.Client
		change func(*system.Info)
		check  string
		status Status
		text   string
	}{
		"all well":    {here, func(*system.Info) {}, "docker", StatusOK, ", rootless"},
		"windows":     {here, func(i *system.Info) { i.OSType = "windows" }, "docker", StatusWrong, "containers are of windows"},
		"elsewhere":   {far, func(*system.Info) {}, "docker", StatusWarning, "a daemon elsewhere"},
		"vfs":         {here, func(i *system.Info) { i.Driver = "vfs" }, "docker", StatusWarning, "whole copy"},
		"no swap":     {here, func(i *system.Info) { i.SwapLimit = false }, "docker limits", StatusWrong, "not enforce memory with swap:"},
		"no limits":   {here, func(i *system.Info) { i.MemoryLimit, i.PidsLimit, i.CPUCfsQuota = false, false, false }, "docker limits", StatusWrong, "memory, pids, cpus:"},
		"unconfined":  {here, func(i *system.Info) { i.SecurityOptions = []string{"name=seccomp,profile=unconfined"} }, "docker seccomp", StatusWrong, "all system calls"},
		"no seccomp":  {here, func(i *system.Info) { i.SecurityOptions = nil }, "docker seccomp", StatusWrong, "all system calls"},
		"gpu runtime": {here, func(i *system.Info) { i.Runtimes = map[string]system.RuntimeWithStatus{"nvidia": {}} }, "docker runtimes", StatusOK, "GPUs can be"},
		"cdi":         {here, func(i *system.Info) { i.DiscoveredDevices = []system.DeviceInfo{{ID: "amd.com/gpu=0"}} }, "docker runtimes", StatusOK, "GPUs can be"},
	} {
		info := good
		c.change(&info)
		r := Report{GPU: hasGPU(c.docker, info)}
		r.daemon(c.docker, info)
		r.limits(info)
		r.walls(info)
		r.runtimes(info)
		f := finding(t, r, c.check)
		if f.Status != c.status || !strings.Contains(f.Text, c.text) {
			t.Errorf("%s: got %+v, want %s, %q", name, f, c.status, c.text)
		}
		if (f.Status == StatusOK) != (f.Do == "") {
			t.Errorf("%s: got %+v: want to be told what to do if it is not ok", name, f)
		}
	}
	if _, err := exec.LookPath(gpuHook); errors.Is(err, exec.ErrNotFound) && hasGPU(here, good) {
		t.Error("got a GPU where there is none")
	}
}

// TestExamineHere looks at what is of this machine and no daemon.
func TestExamineHere(t *testing.T) {
	t.Parallel()
	var r Report
	dir := t.TempDir()                           // which others may look into
	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // that is what is wrong with it
		t.Fatal(err)
	}
	r.scratch(&scratch{asked: dir})
	if f := finding(t, r, "docker scratch"); f.Status != StatusWrong || !strings.Contains(f.Text, "0700") || f.Do == "" {
		t.Errorf("got %+v, want it wrong", f)
	}
	script := filepath.Join(dir, "script")
	if err := os.WriteFile(script, []byte("#!/bin/sh\n"), 0o700); err != nil { //nolint:gosec // a program
		t.Fatal(err)
	}
	r.binary(&Handler{config: Config{Binary: script}})
	if f := finding(t, r, "docker auto_mount"); f.Status != StatusWarning || !strings.Contains(f.Text, "no program of Linux") {
		t.Errorf("got %+v, want a warning", f)
	}
}
