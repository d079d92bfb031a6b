package cell

import (
	"slices"
	"strings"
)

// Walls of a cell, in the order that Report lists them.
const (
	WallUser         = "user"           // an id that owns nothing
	WallMounts       = "mounts"         // a root directory of its own, empty
	WallNetwork      = "network"        // no network but its own, which is down
	WallProcesses    = "processes"      // sees no process but itself
	WallIPC          = "ipc"            // no shared memory or queues of others
	WallHost         = "host name"      // its own
	WallCgroup       = "cgroup"         // its own view
	WallCapabilities = "capabilities"   // none
	WallPrivileges   = "no new privs"   // none to be had from a program
	WallLimits       = "limits"         // of memory, files, threads
	WallLandlock     = "landlock"       // no file by a path
	WallSystemCalls  = "system calls"   // a short list
	WallDescriptors  = "descriptors"    // only its own
	WallEnvironment  = "environment"    // none
	WallParent       = "dies of parent" // with it
)

// Wall is one wall, and why it doesn't stand.
type Wall struct {
	Name   string `json:"name"`
	Stands bool   `json:"stands"`
	// Note says why it does not stand, or what is particular about it.
	Note string `json:"note,omitempty"`
	// Instead names the wall that stands in its place.
	Instead string `json:"instead,omitempty"`
}

// Report tells which walls stand.
type Report struct {
	Walls []Wall `json:"walls"`
	// Problem says why no cell can be started; "" if one was.
	Problem string `json:"problem,omitempty"`
}

// Stands says whether a wall does.
func (r Report) Stands(name string) bool {
	for _, w := range r.Walls {
		if w.Name == name {
			return w.Stands
		}
	}
	return false
}

// Standing are the names of those that do.
func (r Report) Standing() []string {
	var names []string
	for _, w := range r.Walls {
		if w.Stands {
			names = append(names, w.Name)
		}
	}
	return names
}

// Weak says that a cell that was taken over could reach files of the machine or
// all of the kernel.
func (r Report) Weak() bool {
	return !r.Stands(WallMounts) && !r.Stands(WallLandlock) || !r.Stands(WallSystemCalls)
}

// Missing are the walls that don't stand, and no other instead.
func (r Report) Missing() []Wall {
	var missing []Wall
	for _, w := range r.Walls {
		if !w.Stands && w.Instead == "" {
			missing = append(missing, w)
		}
	}
	return missing
}

// String is a line for each wall.
func (r Report) String() string {
	if r.Problem != "" {
		return "no cells: " + r.Problem
	}
	var b strings.Builder
	for _, w := range r.Walls {
		b.WriteString(map[bool]string{true: "yes ", false: "no  "}[w.Stands] + w.Name)
		switch {
		case w.Instead != "":
			b.WriteString(": the wall of " + w.Instead + " stands instead")
		case w.Note != "":
			b.WriteString(": " + w.Note)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// wallOrder is how walls are listed.
var wallOrder = []string{
	WallUser, WallMounts, WallLandlock, WallNetwork, WallProcesses, WallIPC, WallHost, WallCgroup,
	WallCapabilities, WallPrivileges, WallLimits, WallSystemCalls, WallDescriptors, WallEnvironment,
	WallParent,
}

// sort lists walls in their order.
func (r *Report) sort() {
	slices.SortStableFunc(r.Walls, func(a, b Wall) int {
		return slices.Index(wallOrder, a.Name) - slices.Index(wallOrder, b.Name)
	})
}

func (r *Report) add(name string, err error) {
	w := Wall{Name: name, Stands: err == nil}
	if err != nil {
		w.Note = err.Error()
	}
	r.Walls = append(r.Walls, w)
}
