//go:build linux && !amd64 && !arm64

package cell

// There is no list of system calls for this architecture yet.
const (
	auditArchitecture = 0
	foreignNumbers    = 0xffffffff
)

var allowed, deadly []int
