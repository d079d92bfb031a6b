package docker

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"

	"github.com/graflow/graflow-wasm/internal/dirlock"
)

// Labels of containers. Whoever looks at a daemon sees what each is of.
const (
	labelPrefix = "graflow."

	LabelRun        = "graflow.run"
	LabelTask       = "graflow.task"
	LabelActivation = "graflow.activation"
	LabelAttempt    = "graflow.attempt"
	LabelWorker     = "graflow.worker"
	// LabelInstance and LabelScratch say which process's it is: that which locks
	// the directory SCRATCH/INSTANCE of the machine LabelMachine.
	LabelInstance = "graflow.instance"
	LabelScratch  = "graflow.scratch"
	LabelMachine  = "graflow.machine"
	// LabelKept is on a container that is left for somebody to look at.
	LabelKept = "graflow.kept"
)

func (a *attempt) labels() map[string]string {
	all := a.handler.labels()
	all[LabelRun], all[LabelTask], all[LabelActivation] = a.call.Run, a.call.Task.ID, a.call.Activation
	all[LabelAttempt] = strconv.Itoa(a.call.Attempt)
	if !a.settings.autoRemove {
		all[LabelKept] = "true"
	}
	return all
}

// labels are those of every container of a handler.
func (h *Handler) labels() map[string]string {
	return map[string]string{
		LabelWorker: h.config.Worker, LabelInstance: h.scratch.instance,
		LabelScratch: filepath.Dir(h.scratch.dir), LabelMachine: machine(),
	}
}

// machine is a name of this machine that lasts until it is started again; "" if it
// has none.
func machine() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	name, err := os.Hostname() // containers have the same boot id, and other files
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(id)) + "/" + name
}

// reap removes what processes have left that are dead: their containers on this
// daemon, and their directories. Whether one is dead its lock tells, so those of
// other machines and other scratch directories are let be. It tells whether the
// daemon said what there is; if not, the attempt will learn why, and the next one
// reaps. What can't be removed is no reason to run nothing: it is logged.
func (h *Handler) reap(ctx context.Context) (done bool) {
	shared := filepath.Dir(h.scratch.dir)
	dead, err := deadIn(shared, h.scratch.instance)
	if err != nil {
		h.config.Logger.Error("look for directories that were left", "err", err)
	}
	var found []container.Summary
	err = h.ask(ctx, "look for containers that were left", func(ctx context.Context) (err error) {
		found, err = h.docker.ContainerList(ctx, container.ListOptions{All: true, Filters: filters.NewArgs(
			filters.Arg("label", LabelScratch+"="+shared), filters.Arg("label", LabelMachine+"="+machine()),
		)})
		return err
	})
	if err != nil {
		h.config.Logger.Warn("reap containers", "err", err)
		return false
	}
	var errs []error
	for _, c := range found {
		instance := c.Labels[LabelInstance]
		if c.Labels[LabelKept] != "" || instance == h.scratch.instance || !isDead(shared, instance) {
			continue
		}
		h.config.Logger.Warn("remove a container that a dead process has left", "container", c.ID, "run", c.Labels[LabelRun], "task", c.Labels[LabelTask])
		errs = append(errs, (&created{handler: h, id: c.ID}).remove(ctx))
	}
	for _, dir := range dead { // after the containers, which would be found no more by them
		errs = append(errs, os.RemoveAll(dir))
	}
	if err := errors.Join(errs...); err != nil {
		h.config.Logger.Error("remove what a dead process has left", "err", err)
	}
	return true
}

// deadIn lists the directories below shared whose processes are dead.
func deadIn(shared, own string) ([]string, error) {
	entries, err := os.ReadDir(shared)
	if err != nil {
		return nil, err
	}
	var dead []string
	for _, e := range entries {
		if e.IsDir() && e.Name() != own && isDead(shared, e.Name()) {
			dead = append(dead, filepath.Join(shared, e.Name()))
		}
	}
	return dead, nil
}

// isDead tells whether nobody holds the lock of an instance.
func isDead(shared, instance string) bool {
	if instance == "" || instance != filepath.Base(instance) {
		return false
	}
	dir := filepath.Join(shared, instance)
	info, err := os.Stat(dir)
	if err != nil {
		return errors.Is(err, os.ErrNotExist)
	}
	unused := time.Since(info.ModTime()) > time.Minute // else somebody may be making or removing it just now
	if strings.HasPrefix(instance, unlocked) {
		return unused
	}
	held, err := dirlock.Held(filepath.Join(dir, lockName))
	if errors.Is(err, os.ErrNotExist) {
		return unused
	}
	return err == nil && !held
}
