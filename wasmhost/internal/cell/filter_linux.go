package cell

import (
	"errors"
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// What becomes of a system call.
const (
	allow  = unix.SECCOMP_RET_ALLOW
	refuse = unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)
	absent = unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)
	// kill is for what nothing in a cell calls by mistake, so that who calls it has
	// taken the cell over; it also tells the operator.
	kill = unix.SECCOMP_RET_KILL_PROCESS
)

// argument tests one argument of a system call, of which the kernel looks at the
// low 32 bits.
type argument struct {
	index int
	test  uint16 // unix.BPF_JEQ or unix.BPF_JSET
	value uint32
	then  uint32 // becomes of the call if the test is true
}

// filter is a program for the kernel's packet filter, of which seccomp has its
// own dialect. Jumps are relative and forward.
type filter []unix.SockFilter

// Offsets in struct seccomp_data, of a system with the low word first.
const (
	dataNumber       = 0
	dataArchitecture = 4
	dataArguments    = 16
)

func (f *filter) load(offset int) { f.add(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS, 0, 0, uint32(offset)) }

func (f *filter) ret(action uint32) { f.add(unix.BPF_RET|unix.BPF_K, 0, 0, action) }

// jump skips as many instructions as it is told, if the test is true or false.
func (f *filter) jump(test uint16, value uint32, yes, no uint8) {
	f.add(unix.BPF_JMP|test|unix.BPF_K, yes, no, value)
}

func (f *filter) add(code uint16, yes, no uint8, k uint32) {
	*f = append(*f, unix.SockFilter{Code: code, Jt: yes, Jf: no, K: k})
}

// begin kills who speaks for another architecture, whose numbers mean other calls,
// and leaves the number loaded.
func (f *filter) begin() {
	f.load(dataArchitecture)
	f.jump(unix.BPF_JEQ, auditArchitecture, 1, 0)
	f.ret(kill)
	f.load(dataNumber)
	f.jump(unix.BPF_JGE, foreignNumbers, 0, 1)
	f.ret(kill)
}

// on decides about one system call: by the first test that is true, else by last.
func (f *filter) on(number int, last uint32, tests ...argument) {
	f.jump(unix.BPF_JEQ, uint32(number), 0, uint8(3*len(tests)+1))
	for _, t := range tests {
		f.load(dataArguments + 8*t.index)
		f.jump(t.test, t.value, 0, 1)
		f.ret(t.then)
	}
	f.ret(last)
}

// filterCalls binds all threads to the system calls in the tables, for good.
func filterCalls() error {
	if auditArchitecture == 0 {
		return errors.New("there is no list of system calls for " + runtime.GOARCH)
	}
	f := program(unix.Getpid())
	p := unix.SockFprog{Len: uint16(len(f)), Filter: &f[0]}
	thread, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER,
		unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&p)))
	runtime.KeepAlive(f)
	switch {
	case errno != 0:
		return fmt.Errorf("filter system calls: %w", errno)
	case thread != 0:
		return fmt.Errorf("filter system calls: thread %d has a filter of its own", thread)
	}
	return nil
}

// program is the filter of a process with this id.
func program(pid int) filter {
	var f filter
	f.begin()
	for _, number := range allowed {
		f.on(number, allow)
	}
	own := argument{0, unix.BPF_JEQ, uint32(pid), allow}
	f.on(unix.SYS_TGKILL, refuse, own) // Go interrupts its own threads
	f.on(unix.SYS_KILL, refuse, own)
	f.on(unix.SYS_CLONE, kill,
		argument{0, unix.BPF_JSET, notOfThreads, kill},
		argument{0, unix.BPF_JSET, unix.CLONE_THREAD, allow})
	f.on(unix.SYS_MMAP, allow,
		argument{3, unix.BPF_JSET, unix.MAP_SHARED, refuse}) // no resource limit counts that
	f.on(unix.SYS_CLONE3, absent) // its flags are out of sight; who calls it then calls clone
	f.on(unix.SYS_IOCTL, refuse, argument{1, unix.BPF_JEQ, pageMapScan, allow})
	f.on(unix.SYS_PRCTL, refuse,
		argument{0, unix.BPF_JEQ, unix.PR_SET_VMA, allow}, // Go names its memory
		argument{0, unix.BPF_JEQ, unix.PR_SET_NAME, allow},
		argument{0, unix.BPF_JEQ, unix.PR_GET_DUMPABLE, allow})
	f.limits()
	for _, number := range deadly {
		f.on(number, kill)
	}
	f.ret(refuse)
	return f
}

// limits allows to ask for a limit, which has no new one: a pointer that is nil.
func (f *filter) limits() {
	f.jump(unix.BPF_JEQ, unix.SYS_PRLIMIT64, 0, 6)
	f.load(dataArguments + 8*2)
	f.jump(unix.BPF_JEQ, 0, 0, 3)
	f.load(dataArguments + 8*2 + 4)
	f.jump(unix.BPF_JEQ, 0, 0, 1)
	f.ret(allow)
	f.ret(refuse)
}

const (
	// notOfThreads are flags of clone that make more than a thread of this process.
	notOfThreads = unix.CLONE_NEWNS | unix.CLONE_NEWCGROUP | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC |
		unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_PARENT |
		unix.CLONE_PTRACE | unix.CLONE_VFORK

	pageMapScan = 0xc0606610 // PAGEMAP_SCAN: which pages a guest wrote to
)
