package cases

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
)

var errNotLinux = errors.New("what a process holds is read from /proc of Linux")

// held is what a process holds, in bytes.
type held struct {
	RSS  int64 // pages that are mapped; shared ones as often as they are
	PSS  int64 // shared pages by their share
	Heap int64 // Go's, after a collection
}

// holds collects garbage, gives back what is free, and looks.
func holds() (held, error) {
	runtime.GC()
	debug.FreeOSMemory()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	h, err := mapped()
	h.Heap = int64(stats.HeapAlloc)
	return h, err
}

// resident is the RSS as it is.
func resident() (int64, error) {
	h, err := mapped()
	return h.RSS, err
}

func mapped() (h held, err error) {
	text, err := os.ReadFile("/proc/self/smaps_rollup")
	if err != nil {
		return h, fmt.Errorf("%w: %w", errNotLinux, err)
	}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		words := bytes.Fields(lines.Bytes())
		if len(words) != 3 {
			continue
		}
		kib, err := strconv.ParseInt(string(words[1]), 10, 64)
		switch string(words[0]) {
		case "Rss:":
			h.RSS = kib << 10
		case "Pss:":
			h.PSS = kib << 10
		default:
			continue
		}
		if err != nil {
			return h, err
		}
	}
	return h, nil
}

// each is the growth since before, divided by n.
func (h held) each(before held, n int) held {
	return held{(h.RSS - before.RSS) / int64(n), (h.PSS - before.PSS) / int64(n), (h.Heap - before.Heap) / int64(n)}
}

func kib(bytes int64) string { return fmt.Sprintf("%.0f KiB", float64(bytes)/1024) }

func mib(bytes int64) string { return fmt.Sprintf("%.0f MiB", float64(bytes)/(1<<20)) }
