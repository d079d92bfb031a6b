package record

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Machine is where and when a run was made. It names no host.
type Machine struct {
	Time    time.Time `json:"time"` // when it began, UTC
	Command string    `json:"command"`
	CPU     string    `json:"cpu"`
	Cores   int       `json:"cores"`
	Memory  int64     `json:"memory"` // bytes; 0 where the system doesn't tell
	Kernel  string    `json:"kernel"`
	Go      string    `json:"go"`
	System  string    `json:"system"` // linux/amd64
	// Load is how many wanted a core in the minute before: above half a core the
	// figures are worth less.
	Load float64 `json:"load"`
	// Fsync is how long the disk of the queues takes to keep 4 KiB, the median of
	// 100: where it takes no time, all classes are one.
	Fsync time.Duration `json:"fsync,omitempty"`
}

// Here is this machine, now. dir is where the queues keep their jobs; "": nobody
// keeps any.
func Here(ctx context.Context, command, dir string) (Machine, error) {
	m := Machine{
		Time: time.Now().UTC().Truncate(time.Second), Command: command,
		CPU: field("/proc/cpuinfo", "model name"), Cores: runtime.NumCPU(), Memory: memory(),
		Kernel: release(), Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH,
	}
	m.Load, _ = strconv.ParseFloat(first("/proc/loadavg"), 64) // 0 where there is none
	var err error
	if dir != "" {
		m.Fsync, err = fsync(ctx, dir)
	}
	return m, err
}

// first is the first word of a file, "" without it.
func first(file string) string {
	data, _ := os.ReadFile(file) // systems without it have no such figure
	words := strings.Fields(string(data))
	if len(words) == 0 {
		return ""
	}
	return words[0]
}

// release is the kernel's number alone: what follows it may name who built it.
func release() string {
	number, _, _ := strings.Cut(first("/proc/sys/kernel/osrelease"), "-")
	return number
}

// field is what stands behind a name and a colon in a file, "unknown" without it.
func field(file, name string) string {
	data, _ := os.ReadFile(file) // likewise
	for line := range strings.Lines(string(data)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

func memory() int64 {
	words := strings.Fields(field("/proc/meminfo", "MemTotal"))
	if len(words) == 0 {
		return 0
	}
	kib, _ := strconv.ParseInt(words[0], 10, 64) // 0 if unknown
	return kib << 10
}

func fsync(ctx context.Context, dir string) (time.Duration, error) {
	f, err := os.CreateTemp(dir, "fsync")
	if err != nil {
		return 0, fmt.Errorf("measure fsync: %w", err)
	}
	defer func() { _ = os.Remove(f.Name()) }() // a temporary one
	defer func() { _ = f.Close() }()           // likewise
	var times []time.Duration
	page := make([]byte, 4096)
	for len(times) < 100 {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		begin := time.Now()
		if _, err := f.Write(page); err != nil {
			return 0, fmt.Errorf("measure fsync: %w", err)
		}
		if err := f.Sync(); err != nil {
			return 0, fmt.Errorf("measure fsync: %w", err)
		}
		times = append(times, time.Since(begin))
	}
	slices.Sort(times)
	return times[len(times)/2], nil
}
