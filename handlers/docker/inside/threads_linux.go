package inside

import (
	"runtime"
	"sync"
)

// spareThreads is how many threads wait for work. They count to the container's
// pids.
const spareThreads = 6

// spare starts threads that Go keeps. A command that takes all pids of the
// container would else end this program: Go crashes when it needs a thread and
// the kernel has none.
func spare() {
	var started, done sync.WaitGroup
	started.Add(spareThreads)
	for range spareThreads {
		done.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			started.Done()
			started.Wait()
		})
	}
	done.Wait()
}
