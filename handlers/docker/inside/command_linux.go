package inside

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// defaultPath is where commands are looked for without a PATH, as Docker does.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// command is what a wrapper starts.
type command struct {
	argv  []string
	env   environment
	dir   string     // "": the wrapper's own
	files [3]uintptr // stdin, stdout, stderr
}

// A startError is a command that could not be started, with the code that says so.
type startError struct {
	code int
	err  error
}

func (e *startError) Error() string { return e.err.Error() }
func (e *startError) Unwrap() error { return e.err }

func startErrorf(code int, format string, args ...any) *startError {
	return &startError{code, fmt.Errorf(format, args...)}
}

// start starts the command as the leader of a process group of its own. The
// caller reaps it with wait. Errors are *startError.
func (c command) start() (*process, error) {
	if len(c.argv) == 0 || c.argv[0] == "" {
		return nil, startErrorf(ExitFailed, "there is no command to run")
	}
	if c.dir != "" {
		if st, err := os.Stat(c.dir); err != nil {
			return nil, startErrorf(ExitFailed, "working directory: %w", err)
		} else if !st.IsDir() {
			return nil, startErrorf(ExitFailed, "working directory %s: it is no directory", c.dir)
		}
	}
	path, err := c.find()
	if err != nil {
		return nil, err
	}
	pid, err := syscall.ForkExec(path, c.argv, &syscall.ProcAttr{
		Dir: c.dir, Env: c.env, Files: c.files[:],
		Sys: &syscall.SysProcAttr{Setpgid: true},
	})
	if err != nil {
		return nil, c.explain(path, err)
	}
	return &process{pid: pid}, nil
}

// find is the file of the command. A name without a slash is looked for in the
// PATH that the command will have.
func (c command) find() (string, error) {
	name := c.argv[0]
	if strings.Contains(name, "/") {
		return name, c.executable(name)
	}
	path := c.env.value("PATH")
	if path == "" {
		path = defaultPath
	}
	var denied error
	for _, dir := range filepath.SplitList(path) {
		file := filepath.Join(dir, name)
		if dir == "" {
			file = "./" + name
		}
		err := c.executable(file)
		if err == nil {
			return file, nil
		}
		if denied == nil && !errors.Is(err, fs.ErrNotExist) {
			denied = err
		}
	}
	if denied != nil {
		return "", denied
	}
	return "", startErrorf(ExitNotFound, "command %q is not in PATH (%s)", name, path)
}

// executable tells what is wrong with a file, as far as can be seen before.
func (c command) executable(file string) error {
	if !filepath.IsAbs(file) {
		file = filepath.Join(c.dir, file)
	}
	st, err := os.Stat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return startErrorf(ExitNotFound, "command %s: %w", file, fs.ErrNotExist)
	case err != nil:
		return startErrorf(ExitNotExecutable, "command: %w", err)
	case !st.Mode().IsRegular():
		return startErrorf(ExitNotExecutable, "command %s: it is no regular file", file)
	case st.Mode().Perm()&0o111 == 0:
		return startErrorf(ExitNotExecutable, "command %s: it is not executable", file)
	}
	return nil
}

// explain is the error of a file that is there, and that the kernel did not run.
func (c command) explain(path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return startErrorf(ExitNotFound, "command %s: its interpreter (that of its #! line, or its dynamic loader) is not in this image", path)
	case errors.Is(err, syscall.ENOEXEC):
		return startErrorf(ExitNotExecutable, "command %s: it is no program for this machine, and has no #! line", path)
	case errors.Is(err, syscall.EACCES):
		return startErrorf(ExitNotExecutable, "command %s: this user may not execute it, or its file system is mounted noexec", path)
	}
	return startErrorf(ExitNotExecutable, "command %s: %w", path, err)
}
