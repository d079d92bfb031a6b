package docker

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/graflow/graflow-wasm/handlers/internal/guest"
)

// Defaults of Limits.
const (
	DefaultMemory      = 512 << 20
	DefaultCPUs        = 1
	DefaultPIDs        = 256
	DefaultOutputBytes = 16 << 20
	DefaultLogBytes    = 1 << 20
	DefaultOpenFiles   = 1024
	DefaultDiskBytes   = 64 << 20
	DefaultHostCalls   = 100_000
	DefaultChannelOps  = 100_000
)

// Limits bound one attempt. A zero field means its default.
type Limits struct {
	// Timeout bounds the attempt, from when its container starts. 0: only the
	// context does.
	Timeout time.Duration
	// Memory is what all processes, /tmp and all other trees in memory may take
	// together, in bytes; swap is not used. 0: 512 MiB. At least 6 MiB.
	Memory int64
	// CPUs is how many processors' time may be used. 0: 1.
	CPUs float64
	// PIDs is how many processes and threads there may be at once. 0: 256.
	PIDs int64
	// OutputBytes is the largest result. 0: 16 MiB.
	OutputBytes int64
	// LogBytes is the most that is logged; the rest is dropped with one notice. 0: 1 MiB.
	LogBytes int64
	// OpenFiles is how many files each process may have open. 0: 1024.
	OpenFiles int64
	// DiskBytes bounds each of /tmp, /out and the image's own volumes, and all the
	// files together that are sent to the run. 0: 64 MiB.
	DiskBytes int64
	// HostCalls is how many requests may be sent to the engine. 0: 100 000.
	HostCalls int64
	// ChannelOps is how many of them may be channel_* calls. 0: 100 000.
	ChannelOps int64
}

// limitKeys are the keys of a task's limits, in the order in which they are told.
var limitKeys = []string{
	"timeout", "memory", "cpus", "pids", "output_bytes", "log_bytes", "open_files", "disk_bytes", "host_calls", "channel_ops",
}

// noLimits are keys of the sandbox's limits that a container can't be held to, and why.
var noLimits = map[string]string{
	"fuel":           "the instructions of a container can't be counted; bound its time with timeout, and cpus",
	"stack":          "the stacks of a container's processes are part of its memory; bound that with memory",
	"table_elements": "a container has no tables; bound its memory with memory",
	"http_requests":  "the requests of a container can't be counted; it has no network unless the operator allows one",
	"http_bytes":     "the traffic of a container can't be counted; it has no network unless the operator allows one",
}

// The least memory that a daemon makes a container with, and the most that a
// number of Docker's can be.
const (
	leastMemory = 6 << 20
	mostCPUs    = 1 << 16
	mostPIDs    = 1 << 22 // of Linux
	mostFiles   = 1 << 20 // of Linux, unless it is told otherwise
)

func parseLimits(data json.RawMessage) (Limits, error) {
	var l Limits
	d, err := asked("limits", data, noLimits, limitKeys...)
	err = errors.Join(err,
		d.Duration("timeout", &l.Timeout),
		d.Size("memory", &l.Memory),
		cpus(d, &l.CPUs),
		d.Count("pids", &l.PIDs),
		d.Size("output_bytes", &l.OutputBytes),
		d.Size("log_bytes", &l.LogBytes),
		d.Count("open_files", &l.OpenFiles),
		d.Size("disk_bytes", &l.DiskBytes),
		d.Count("host_calls", &l.HostCalls),
		d.Count("channel_ops", &l.ChannelOps),
	)
	if l.Memory > 0 && l.Memory < leastMemory {
		err = errors.Join(err, d.Wrong("memory", "at least 6MiB, below which no container starts"))
	}
	if l.PIDs > mostPIDs {
		err = errors.Join(err, d.Wrong("pids", fmt.Sprintf("at most %d", mostPIDs)))
	}
	if l.OpenFiles > mostFiles {
		err = errors.Join(err, d.Wrong("open_files", fmt.Sprintf("at most %d", mostFiles)))
	}
	return l, err
}

// cpus reads a number of processors, which need not be whole and may be quoted.
func cpus(d guest.Document, into *float64) error {
	raw := d.Field("cpus")
	if raw == nil {
		return nil
	}
	text := string(raw)
	if json.Unmarshal(raw, &text) != nil {
		text = string(raw)
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || !(n >= 0.01 && n <= mostCPUs) {
		return d.Wrong("cpus", "a number of processors from 0.01 on, as 0.5 or 2")
	}
	*into = n
	return nil
}

// asked is guest.Object for what may have keys of the sandbox that say nothing here: no
// says of each why, and what to write instead.
func asked(name string, data json.RawMessage, no map[string]string, known ...string) (guest.Document, error) {
	var fields map[string]json.RawMessage
	var errs []error
	if json.Unmarshal(data, &fields) != nil {
		return guest.Object(name, data, known...)
	}
	for _, key := range sorted(fields) {
		if why := no[key]; why != "" {
			errs = append(errs, fmt.Errorf("%s.%s: %s", name, key, why))
			delete(fields, key)
		}
	}
	if len(errs) == 0 {
		return guest.Object(name, data, known...)
	}
	rest, err := json.Marshal(fields)
	if err != nil {
		return guest.Document{}, err
	}
	d, err := guest.Object(name, rest, known...)
	return d, errors.Join(append(errs, err)...)
}

// Within caps limits by a maximum: a limit above it becomes it, and one that is
// left to its default too, if the default is above it. A zero field of most sets
// no maximum.
func (l Limits) Within(most Limits) Limits {
	l.Timeout = narrow(l.Timeout, most.Timeout, 0)
	l.Memory = narrow(l.Memory, most.Memory, DefaultMemory)
	l.CPUs = narrow(l.CPUs, most.CPUs, DefaultCPUs)
	l.PIDs = narrow(l.PIDs, most.PIDs, DefaultPIDs)
	l.OutputBytes = narrow(l.OutputBytes, most.OutputBytes, DefaultOutputBytes)
	l.LogBytes = narrow(l.LogBytes, most.LogBytes, DefaultLogBytes)
	l.OpenFiles = narrow(l.OpenFiles, most.OpenFiles, DefaultOpenFiles)
	l.DiskBytes = narrow(l.DiskBytes, most.DiskBytes, DefaultDiskBytes)
	l.HostCalls = narrow(l.HostCalls, most.HostCalls, DefaultHostCalls)
	l.ChannelOps = narrow(l.ChannelOps, most.ChannelOps, DefaultChannelOps)
	return l
}

// narrow caps one limit. What is not positive is left open: most sets no maximum
// then, asked is the default, and a default of 0 is no limit.
func narrow[T ~int64 | ~float64](asked, most, byDefault T) T {
	asked = max(asked, 0)
	if most <= 0 {
		return asked
	}
	if asked == 0 {
		asked = byDefault
	}
	if asked == 0 {
		return most
	}
	return min(asked, most)
}

// withDefaults is limits without a zero, but for Timeout.
func (l Limits) withDefaults() Limits {
	l.Timeout = max(l.Timeout, 0)
	byDefault(&l.Memory, DefaultMemory)
	byDefault(&l.CPUs, DefaultCPUs)
	byDefault(&l.PIDs, DefaultPIDs)
	byDefault(&l.OutputBytes, DefaultOutputBytes)
	byDefault(&l.LogBytes, DefaultLogBytes)
	byDefault(&l.OpenFiles, DefaultOpenFiles)
	byDefault(&l.DiskBytes, DefaultDiskBytes)
	byDefault(&l.HostCalls, DefaultHostCalls)
	byDefault(&l.ChannelOps, DefaultChannelOps)
	return l
}

func byDefault[T ~int64 | ~float64](limit *T, value T) {
	if *limit <= 0 {
		*limit = value
	}
}
