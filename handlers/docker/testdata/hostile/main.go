//go:build linux

// Command hostile is what tests of containers run: what a hostile task would try.
// Each deed says on stdout, one a line, what it got away with.
package main

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

func main() {
	deed, ok := deeds[os.Args[1]]
	if !ok {
		fmt.Fprintln(os.Stderr, "no such deed:", os.Args[1])
		os.Exit(2)
	}
	deed()
}

var deeds = map[string]func(){
	"id":       func() { fmt.Printf("%d:%d\n", os.Getuid(), os.Getgid()) },
	"mounts":   mounts,
	"escape":   escape,
	"hog":      hog,
	"child":    child,
	"shm":      func() { fill("/dev/shm/x") },
	"tmp":      func() { fill("/tmp/x") },
	"forkbomb": forkbomb,
	"stubborn": stubborn,
	"orphan":   orphan,
	"flood":    flood,
	"deaf":     func() { _ = os.Stdin.Close(); fmt.Println(`"deaf"`) },
}

// mounts tells of what is mounted: where, of which kind and how.
func mounts() {
	text, _ := os.ReadFile("/proc/self/mounts")
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		fmt.Println(f[1], f[2], f[3])
	}
}

// got tells of a deed that was done.
func got(what string, err error) {
	if err == nil {
		fmt.Println(what)
	}
}

// escape tries what should not be possible in any container.
func escape() {
	files()
	kernel()
	network()
	secrets()
}

// files tries to change what is not the task's.
func files() {
	own := "/run/graflow/"
	for _, name := range []string{"socket", "input.json", "result", "effects"} {
		got("removed "+name, os.Remove(own+name))
		got("renamed "+name, os.Rename(own+name, own+"other"))
		got("changed the mode of "+name, os.Chmod(own+name, 0o600))
		got("linked "+name, os.Link(own+name, "/tmp/"+name))
	}
	got("made a file of its own", os.WriteFile(own+"new", nil, 0o600))
	got("wrote to its input", os.WriteFile(own+"input.json", []byte("1"), 0o600))
	for _, name := range []string{"/new", "/etc/new", "/proc/sysrq-trigger", "/proc/sys/kernel/core_pattern", "/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/cgroup.procs", "/sys/kernel/uevent_helper"} {
		got("wrote "+name, os.WriteFile(name, []byte("1"), 0o600))
	}
	for _, name := range []string{"/var/run/docker.sock", "/run/docker.sock", "/proc/kcore", "/proc/kmsg", "/dev/mem", "/dev/sda", "/dev/vda", "/dev/kvm", "/dev/fuse", "/dev/net/tun"} {
		_, err := os.Stat(name)
		if f, openErr := os.Open(name); err == nil && openErr == nil {
			n, _ := f.Read(make([]byte, 1))
			if n > 0 {
				fmt.Println("read", name)
			}
			_ = f.Close()
		}
	}
	if entries, err := os.ReadDir("/proc/1/root/home"); err == nil {
		fmt.Println("another root:", entries)
	}
	found, _ := filepath.Glob("/sys/fs/cgroup/*/docker/*")
	if len(found) > 0 {
		fmt.Println("other containers:", found)
	}
	// A program that would be root's.
	if out, err := exec.Command("/setuid", "id").Output(); err == nil && !bytes.HasPrefix(out, []byte("65534")) {
		fmt.Printf("is now %s", out)
	}
}

// kernel tries system calls.
func kernel() {
	got("made a device", unix.Mknod("/tmp/sda", unix.S_IFBLK|0o600, 8<<8))
	got("mounted", unix.Mount("none", "/tmp", "tmpfs", 0, ""))
	got("unmounted", unix.Unmount("/run/graflow", unix.MNT_DETACH))
	got("remounted", unix.Mount("", "/run/graflow", "", unix.MS_REMOUNT|unix.MS_BIND, ""))
	got("changed its root", unix.Chroot("/tmp"))
	got("became root", unix.Setuid(0))
	got("became root's group", unix.Setgid(0))
	got("has namespaces of its own", unix.Unshare(unix.CLONE_NEWNS|unix.CLONE_NEWPID))
	got("has users of its own", unix.Unshare(unix.CLONE_NEWUSER))
	got("named the machine", unix.Sethostname([]byte("evil")))
	got("set the clock", unix.Settimeofday(&unix.Timeval{Sec: 1}))
	got("restarted", unix.Reboot(unix.LINUX_REBOOT_CMD_CAD_OFF))
	got("raised its limit", unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 1 << 20, Max: 1 << 20}))
	got("raised its priority", unix.Setpriority(unix.PRIO_PROCESS, 0, -20))
	_, err := unix.KeyctlString(unix.KEYCTL_DESCRIBE, unix.KEY_SPEC_SESSION_KEYRING)
	got("described a keyring", err)
	_, err = unix.AddKey("user", "evil", []byte("x"), unix.KEY_SPEC_USER_KEYRING)
	got("added a key", err)
	_, _, errno := unix.Syscall(unix.SYS_BPF, 0, 0, 0)
	if errno != unix.EPERM {
		fmt.Println("bpf:", errno)
	}
	_, err = unix.PerfEventOpen(&unix.PerfEventAttr{Type: unix.PERF_TYPE_SOFTWARE, Size: uint32(unsafe.Sizeof(unix.PerfEventAttr{}))}, 0, -1, -1, 0)
	got("counts events", err)
	for pid := 2; pid < 400; pid++ { // of the host's processes none is to be seen
		if pid != os.Getpid() && unix.Kill(pid, 0) == nil {
			status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
			own := fmt.Appendf(nil, "Tgid:\t%d\n", os.Getpid())
			if !bytes.Contains(status, own) && !bytes.Contains(status, []byte("Tgid:\t1\n")) { // threads
				fmt.Println("sees process", pid)
			}
		}
	}
}

// network tries to reach somebody.
func network() {
	for _, kind := range []int{unix.SOCK_RAW, unix.SOCK_PACKET} {
		fd, err := unix.Socket(unix.AF_INET, kind, unix.IPPROTO_ICMP)
		got("has a raw socket", err)
		_ = unix.Close(fd)
	}
	all, _ := net.Interfaces()
	for _, i := range all {
		if i.Flags&net.FlagLoopback == 0 && i.Flags&net.FlagUp != 0 {
			fmt.Println("has the network", i.Name)
		}
	}
	if len(os.Args) > 2 { // where the host listens
		conn, err := net.DialTimeout("tcp", os.Args[2], time.Second)
		got("reached the host", err)
		if err == nil {
			_ = conn.Close()
		}
		conn, err = net.Dial("unix", "@"+os.Args[3])
		got("reached the host's abstract socket", err)
		if err == nil {
			_ = conn.Close()
		}
	}
}

// secrets looks for what is the host's.
func secrets() {
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		if name != "PATH" && name != "HOSTNAME" && name != "HOME" && !strings.HasPrefix(name, "GRAFLOW_") {
			fmt.Println("has the variable", name)
		}
	}
	status, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(status)) {
		f := strings.Fields(line)
		if strings.HasPrefix(f[0], "Cap") && strings.Trim(f[1], "0") != "" {
			fmt.Println("has capabilities", f)
		}
		if f[0] == "NoNewPrivs:" && f[1] != "1" || f[0] == "Seccomp:" && f[1] != "2" {
			fmt.Println("is not held to", f)
		}
	}
}

func hog() {
	for taken := [][]byte{}; ; {
		taken = append(taken, bytes.Repeat([]byte{1}, 1<<20))
	}
}

// child has a child take the memory, and passes on how it ended.
func child() {
	if err := exec.Command("/proc/self/exe", "hog").Run(); err != nil {
		fmt.Fprintln(os.Stderr, "my child:", err)
		time.Sleep(time.Second / 2) // the daemon does not hear of it if the container ends at once
		os.Exit(1)
	}
}

// fill writes a file until it can't.
func fill(name string) {
	f, err := os.Create(name)
	total := 0
	for err == nil {
		var n int
		n, err = f.Write(bytes.Repeat([]byte{1}, 1<<20))
		total += n
	}
	fmt.Println(total>>20, err)
}

func forkbomb() {
	for range 4 {
		_, _ = syscall.ForkExec("/proc/self/exe", []string{"hostile", "forkbomb"}, &syscall.ProcAttr{Files: []uintptr{0, 1, 2}})
	}
	for {
		time.Sleep(time.Hour)
	}
}

// stubborn takes every signal that it can.
func stubborn() {
	fmt.Fprintln(os.Stderr, "ready")
	for {
		time.Sleep(time.Hour)
	}
}

// orphan leaves a child with its stdout.
func orphan() {
	_, err := syscall.ForkExec("/proc/self/exe", []string{"hostile", "stubborn"}, &syscall.ProcAttr{
		Files: []uintptr{0, 1, 2}, Sys: &syscall.SysProcAttr{Setsid: true},
	})
	got(`left`, err)
}

// flood takes connections, or asks, without end; it tells how far it came.
func flood() {
	dial := func() net.Conn {
		conn, err := net.Dial("unix", os.Getenv("GRAFLOW_SOCKET"))
		if err != nil {
			time.Sleep(time.Hour)
		}
		return conn
	}
	answer := make([]byte, 1000)
	switch os.Args[2] {
	case "connections":
		for {
			_ = dial().Close()
		}
	case "requests":
		for conn := dial(); ; {
			if _, err := conn.Write([]byte("{\"op\":\"meta\"}\n")); err != nil {
				time.Sleep(time.Hour)
			}
			_, _ = conn.Read(answer)
		}
	case "idle":
		served := 0
		for range 100 {
			conn := dial()
			if _, err := conn.Write([]byte("{\"op\":\"meta\"}\n")); err != nil {
				continue
			}
			if n, _ := conn.Read(answer); bytes.Contains(answer[:n], []byte(`"ok":true`)) {
				served++
			}
		}
		fmt.Printf("%d of 100\n", served)
	case "line":
		conn := dial()
		for {
			if _, err := conn.Write(bytes.Repeat([]byte("x"), 1<<20)); err != nil {
				fmt.Println("hung up")
				return
			}
		}
	}
}
