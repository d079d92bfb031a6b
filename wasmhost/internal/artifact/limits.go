package artifact

import (
	"fmt"
	"time"
)

// Limits bound one compile child. A field that is 0 takes the default.
//
// CPU and a hard bound on Memory need Linux. On other systems CPU time is
// bounded by Wall alone, and Memory is what the child sees of its own heap, 40
// times a second.
type Limits struct {
	CPU    time.Duration // of all its threads, rounded up to seconds; default 60s
	Memory int64         // bytes beyond what the program itself takes; default 2 GiB
	Wall   time.Duration // default 120s
	Code   int64         // bytes of native code; default 512 MiB
}

func (l Limits) withDefaults() Limits {
	if l.CPU <= 0 {
		l.CPU = 60 * time.Second
	}
	if l.Memory <= 0 {
		l.Memory = 2 << 30
	}
	if l.Wall <= 0 {
		l.Wall = 120 * time.Second
	}
	if l.Code <= 0 {
		l.Code = 512 << 20
	}
	return l
}

// cpuSeconds is the limit as setrlimit takes it.
func (l Limits) cpuSeconds() uint64 {
	return uint64((l.CPU + time.Second - 1) / time.Second)
}

// exceeded is the error for what ran out.
func (l Limits) exceeded(what string) *LimitError {
	mib := func(n int64) string { return fmt.Sprintf("%d MiB", n>>20) }
	e := &LimitError{What: what}
	switch what {
	case LimitWall:
		e.Limit = l.Wall.String()
	case LimitCPU:
		e.Limit = (time.Duration(l.cpuSeconds()) * time.Second).String()
	case LimitMemory:
		e.Limit = mib(l.Memory)
	case LimitCode:
		e.Limit = mib(l.Code)
	}
	return e
}
