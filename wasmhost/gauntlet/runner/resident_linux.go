package runner

import (
	"bytes"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// dataMost bounds the writable memory of a child (RLIMIT_DATA, which does not
// count what is only reserved, as RLIMIT_AS does): a host that asks for more
// dies of it on every machine, whatever that one has.
const dataMost = 8 << 30

func limitSelf() {
	if Race { // its shadow memory is larger than any limit
		return
	}
	_ = unix.Setrlimit(unix.RLIMIT_DATA, &unix.Rlimit{Cur: dataMost, Max: dataMost})
	_ = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{})
}

// residentFromNow is the resident size, from which on peaks are measured.
func residentFromNow() (bytes int64, ok bool) {
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
		return 0, false
	}
	return status("self", "VmRSS:")
}

// residentPeak is the largest resident size since residentFromNow.
func residentPeak() (bytes int64, ok bool) { return status("self", "VmHWM:") }

// residentOf is the resident size of another process.
func residentOf(pid int) (bytes int64, ok bool) { return status(strconv.Itoa(pid), "VmRSS:") }

// processorTime is what this process has used, without its children.
func processorTime() (time.Duration, bool) {
	var usage unix.Rusage
	err := unix.Getrusage(unix.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()), err == nil
}

// busyTime is for how long the processors of this machine together have been busy
// since it started, and taken from it by its own host (proc_stat(5)); 0 if unknown.
func busyTime() time.Duration {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	line, _, _ := bytes.Cut(text, []byte("\n"))
	const idle, iowait, steal, tick = 4, 5, 8, 10 * time.Millisecond // USER_HZ is 100 on every Linux that Go runs on
	var busy time.Duration
	for i, word := range bytes.Fields(line) {
		if n, err := strconv.ParseInt(string(word), 10, 64); err == nil && i != idle && i != iowait && i <= steal {
			busy += time.Duration(n) * tick
		}
	}
	return busy
}

// status reads a number of kilobytes from /proc/PID/status.
func status(pid, field string) (int64, bool) {
	text, err := os.ReadFile("/proc/" + pid + "/status")
	if err != nil {
		return 0, false
	}
	_, rest, found := bytes.Cut(text, []byte("\n"+field))
	words := bytes.Fields(rest)
	if !found || len(words) == 0 {
		return 0, false
	}
	n, err := strconv.ParseInt(string(words[0]), 10, 64)
	return n << 10, err == nil
}
