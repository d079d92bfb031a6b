package dockertest

import (
	"debug/elf"
	"errors"
	"io/fs"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// Busybox is an image with the shell and the tools of busybox in /bin, users root
// and nobody, and a /tmp for all. Its binary is this machine's; without it the
// test is skipped, and fails in continuous integration.
func Busybox(tb testing.TB) (reference string) {
	tb.Helper()
	binary, applets, err := busybox(tb)
	if err != nil {
		absent(tb, "a static busybox", "apt-get install busybox-static", err)
	}
	files := map[string]File{
		"bin/busybox": {Path: binary},
		"etc/passwd":  {Mode: 0o644, Data: []byte("root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n")},
		"etc/group":   {Mode: 0o644, Data: []byte("root:x:0:\nnogroup:x:65534:\n")},
		"root":        {Mode: fs.ModeDir | 0o700},
		"tmp":         {Mode: fs.ModeDir | fs.ModeSticky | 0o777},
	}
	for _, applet := range applets {
		files["bin/"+applet] = File{Link: "busybox"}
	}
	return Image(tb, "busybox", files, `ENV PATH=/bin`, `CMD ["sh"]`)
}

// busybox is this machine's binary and the names of its tools.
func busybox(tb testing.TB) (binary string, applets []string, err error) {
	tb.Helper()
	if binary, err = exec.LookPath("busybox"); err != nil {
		return "", nil, err
	}
	file, err := elf.Open(binary)
	if err != nil {
		return "", nil, err
	}
	defer func() { _ = file.Close() }() // it was read only
	if slices.ContainsFunc(file.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP }) {
		return "", nil, errors.New(binary + " needs libraries, which no image has")
	}
	out, err := exec.CommandContext(tb.Context(), binary, "--list").Output()
	if err != nil {
		return "", nil, err
	}
	isItself := func(name string) bool { return name == "busybox" }
	return binary, slices.DeleteFunc(strings.Fields(string(out)), isItself), nil
}
