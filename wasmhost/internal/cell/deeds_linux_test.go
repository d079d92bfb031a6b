package cell_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"github.com/graflow/graflow-wasm/wasmhost/internal/cell"
	"golang.org/x/sys/unix"
)

// attacks are what a cell that was taken over may try; data is the argument.
func init() {
	simple := func(name string, do func(data string) (string, error)) {
		deeds[name] = func(_ *cell.Conn, f cell.Frame) (string, error) { return do(string(f.Data)) }
	}
	simple("read", func(path string) (string, error) {
		b, err := os.ReadFile(path)
		return string(b[:min(len(b), 4096)]), err
	})
	simple("list", func(path string) (string, error) {
		entries, err := os.ReadDir(path)
		var names []string
		for _, e := range entries {
			names = append(names, e.Name())
		}
		return strings.Join(names, " "), err
	})
	simple("write", func(path string) (string, error) { return "", os.WriteFile(path, []byte("was here"), 0o600) })
	simple("connect", func(address string) (string, error) {
		network, address, _ := strings.Cut(address, " ")
		c, err := net.Dial(network, address)
		if err == nil {
			c.Close()
		}
		return "", err
	})
	simple("kill", func(pid string) (string, error) {
		n, _ := strconv.Atoi(pid)
		return "", syscall.Kill(n, syscall.SIGTERM)
	})
	simple("run", func(path string) (string, error) { return "", exec.Command(path).Run() })
	simple("fork", func(string) (string, error) {
		return call(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0)
	})
	simple("ptrace", func(pid string) (string, error) {
		n, _ := strconv.Atoi(pid)
		return "", unix.PtraceAttach(n)
	})
	simple("environment", func(string) (string, error) { return strings.Join(os.Environ(), "\n"), nil })
	simple("memory", eatMemory)
	simple("fill", fill)
	simple("descriptors", func(string) (string, error) { return listDescriptors() })
	simple("scratch", func(string) (string, error) {
		dir, err := os.MkdirTemp("", "scratch")
		if err != nil {
			return "", err
		}
		path := filepath.Join(dir, "file")
		if err := os.WriteFile(path, []byte("was here"), 0o600); err != nil {
			return "", err
		}
		b, err := os.ReadFile(path)
		return string(b), errors.Join(err, os.RemoveAll(dir))
	})
	simple("stop", func(string) (string, error) { return "", syscall.Kill(os.Getpid(), syscall.SIGSTOP) })
	simple("syscall", func(number string) (string, error) {
		n, _ := strconv.Atoi(number)
		return call(uintptr(n), 0, 0, 0)
	})
	simple("threads", func(string) (string, error) {
		for range 1 << 12 {
			go func() {
				runtime.LockOSThread()
				select {}
			}()
		}
		select {}
	})
	simple("share", func(string) (string, error) {
		_, err := unix.Mmap(-1, 0, 16<<20, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_ANON)
		return "", err
	})
	simple("hoard", func(string) (string, error) {
		for range 4 {
			fd, err := unix.MemfdCreate("hoard", 0)
			if err != nil {
				return "", err
			}
			if _, err := io.Copy(os.NewFile(uintptr(fd), ""), io.LimitReader(zeros{}, 40<<20)); err != nil {
				return "", err
			}
		}
		select {}
	})
	simple("memfd", func(string) (string, error) {
		fd, err := unix.MemfdCreate("big", 0)
		if err != nil {
			return "", err
		}
		return "", unix.Ftruncate(fd, 1<<30)
	})
	simple("ids", func(string) (string, error) {
		return fmt.Sprintf("pid %d uid %d caps %s", os.Getpid(), os.Getuid(), statusLines("CapEff", "CapBnd", "NoNewPrivs", "Seccomp:")), nil
	})
	deeds["flood"] = func(c *cell.Conn, _ cell.Frame) (string, error) {
		for {
			if err := c.Write(kindEcho, nil, make([]byte, 1<<10)); err != nil {
				return "", err
			}
		}
	}
	deeds["noise"] = func(*cell.Conn, cell.Frame) (string, error) {
		for range 1 << 12 {
			if _, err := os.Stderr.Write([]byte(strings.Repeat("noise ", 170) + "\n")); err != nil {
				return "", err
			}
		}
		os.Exit(3)
		return "", nil
	}
	deeds["junk"] = func(_ *cell.Conn, f cell.Frame) (string, error) {
		if _, err := unix.Write(3, f.Data); err != nil {
			return "", err
		}
		select {}
	}
	deeds["rights"] = func(*cell.Conn, cell.Frame) (string, error) {
		prefix := make([]byte, 16) // an empty frame of kind 0
		for range 100 {
			if err := unix.Sendmsg(3, prefix, unix.UnixRights(2, 2, 2), nil, 0); err != nil {
				return "", err
			}
		}
		return "", nil
	}
	deeds["hang up"] = func(*cell.Conn, cell.Frame) (string, error) {
		_ = unix.Close(3)
		select {}
	}
	deeds["lent"] = climb
	deeds["deaf"] = func(c *cell.Conn, _ cell.Frame) (string, error) {
		fd, err := unix.MemfdCreate("elsewhere", 0)
		if err != nil {
			return "", err
		}
		if err := unix.Dup3(fd, 1, 0); err != nil {
			return "", err
		}
		if err := c.Write(kindDone, nil, nil); err != nil {
			return "", err
		}
		select {}
	}
}

// climb tries to leave a directory that was lent.
func climb(_ *cell.Conn, f cell.Frame) (string, error) {
	if len(f.Files) != 1 {
		return "", errors.New("no directory came")
	}
	defer f.Files[0].Close()
	root, err := os.OpenRoot(fmt.Sprintf("/proc/self/fd/%d", f.Files[0].Fd()))
	if err != nil {
		return "", err
	}
	defer root.Close()
	if err := root.WriteFile("new", []byte("new"), 0o600); err != nil {
		return "", err
	}
	fd, err := unix.Openat(int(f.Files[0].Fd()), "../../../../../../../etc", unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err == nil {
		return "climbed out", unix.Close(fd)
	}
	b, err := root.ReadFile("old")
	return string(b), err
}

func call(number, a1, a2, a3 uintptr) (string, error) {
	r, _, errno := unix.Syscall(number, a1, a2, a3)
	if errno != 0 {
		return "", errno
	}
	if number == unix.SYS_CLONE && r == 0 {
		unix.Exit(0)
	}
	return fmt.Sprint(r), nil
}

var sink [][]byte

func eatMemory(string) (string, error) {
	for range 1 << 12 {
		b, err := unix.Mmap(-1, 0, 16<<20, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
		if err != nil {
			return "", err
		}
		for i := 0; i < len(b); i += 4096 {
			*(*byte)(unsafe.Pointer(&b[i])) = 1
		}
		sink = append(sink, b)
	}
	return "", nil
}

func fill(path string) (string, error) {
	f, err := os.Create(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	n, err := io.Copy(f, io.LimitReader(zeros{}, 8<<30))
	return strconv.FormatInt(n, 10), err
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { return len(b), nil }

func listDescriptors() (string, error) {
	var open []string
	for fd := range 1024 {
		var st unix.Stat_t
		if unix.Fstat(fd, &st) == nil {
			open = append(open, fmt.Sprintf("%d:%o", fd, st.Mode&unix.S_IFMT))
		}
	}
	return strings.Join(open, " "), nil
}

func statusLines(prefixes ...string) string {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return err.Error()
	}
	var lines []string
	for line := range strings.Lines(string(status)) {
		for _, p := range prefixes {
			if strings.HasPrefix(line, p) {
				lines = append(lines, strings.Join(strings.Fields(line), ""))
			}
		}
	}
	return strings.Join(lines, " ")
}
