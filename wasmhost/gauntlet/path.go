package gauntlet

import (
	"fmt"
	"strings"

	"github.com/graflow/graflow-wasm/wasmhost/gauntlet/internal/asm"
)

// Flags of path_open.
const (
	oCreate    = 1
	oDirectory = 2
	oTruncate  = 8
	rightsRead = 1<<1 | 1<<2 | 1<<5 | 1<<14 | 1<<21
	rightsAll  = 1<<29 - 1
	mounted    = 3 // the file descriptor of /data
)

// open opens a path below the mount for reading, or with flags for writing; it
// leaves the errno, and the descriptor at resultAt.
func (g *guest) open(path string, flags int) asm.Code {
	rights := int64(rightsRead)
	if flags&(oCreate|oTruncate) != 0 {
		rights = rightsAll
	}
	return g.openAt(asm.I32(mounted), 1, path, flags, rights)
}

func (g *guest) openAt(dir asm.Code, lookup int, path string, flags int, rights int64) asm.Code {
	return g.host("path_open", dir, asm.I32(lookup), g.str(path), asm.I32(flags),
		asm.I64(rights), asm.I64(rights), asm.I32(0), asm.I32(resultAt))
}

// opened is the descriptor that open left.
var opened = asm.Seq(asm.I32(resultAt), asm.Load32(0))

func paths() []Case {
	const follows = "opens a file outside of the directory that it mounted"
	var all []Case
	add := func(name, mount, why string, build func(g *guest) asm.Code) {
		c := attack(name, ABICommand, Contained(), why, func(g *guest) { g.run("", build(g)) })
		c.Setup.Mount = mount
		all = append(all, c)
	}
	for name, path := range escapes {
		add("open-"+name, MountReadOnly, follows, func(g *guest) asm.Code {
			return asm.Seq(
				breach(1, g.openAt(asm.I32(mounted), 1, path, 0, rightsRead)),
				breach(2, g.openAt(asm.I32(mounted), 0, path, 0, rightsRead)))
		})
		add("write-"+name, MountWritable, "writes to a file outside of the directory that it mounted", func(g *guest) asm.Code {
			return asm.Seq(
				breach(1, g.open(path, oTruncate)),
				g.open(path+".new", oCreate), asm.Drop,
				g.host("path_create_directory", asm.I32(mounted), g.str(path+".dir")), asm.Drop,
				g.host("path_unlink_file", asm.I32(mounted), g.str(path+"/secret")), asm.Drop,
				g.host("path_remove_directory", asm.I32(mounted), g.str(path)), asm.Drop,
				g.host("path_rename", asm.I32(mounted), g.str("file"), asm.I32(mounted), g.str(path+".moved")), asm.Drop,
				g.host("path_rename", asm.I32(mounted), g.str(path), asm.I32(mounted), g.str("taken")), asm.Drop,
				g.host("path_filestat_set_times", asm.I32(mounted), asm.I32(1), g.str(path), asm.I64(1), asm.I64(1), asm.I32(5)), asm.Drop)
		})
	}
	sortCases(all)
	return append(append(all, directories()...), links()...)
}

// escapes are paths to outside/secret, and to files of the machine; in a mount
// that holds, none of them names a file that can be opened.
var escapes = map[string]string{
	"dotdot":              "../outside/secret",
	"slash-dotdot":        "/../outside/secret",
	"dot-dotdot":          "./../outside/secret",
	"sub-dotdot-dotdot":   "sub/../../outside/secret",
	"missing-dotdot":      "missing/../../outside/secret",
	"file-dotdot":         "file/../../outside/secret",
	"many-dotdot":         strings.Repeat("../", 40) + "etc/hostname",
	"doubled-slashes":     "..//..//..//..//etc//hostname",
	"link":                "link/secret",
	"link-slash":          "link//secret",
	"link-dot":            "link/./secret",
	"link-dotdot":         "link/../outside/secret",
	"link-to-file":        "secret",
	"link-trailing-slash": "secret/",
	"absolute-link":       "absolute/secret",
	"absolute":            "/etc/hostname",
	"absolute-doubled":    "//etc/hostname",
	"proc-self":           "/proc/self/environ",
	"proc-link":           "self/environ",
	"proc-root":           "self/root/etc/hostname",
	"proc-cwd":            "self/cwd/go.mod",
	"proc-fd":             "self/fd/0",
	"backslashes":         `..\outside\secret`,
	"percent":             "%2e%2e/outside/secret",
	"wide-dots":           "\uff0e\uff0e/outside/secret",
	"nul":                 "../outside/secret\x00",
	"nul-inside":          "file\x00/../../outside/secret",
	"not-utf8":            "\xc0\xae\xc0\xae/outside/secret",
}

// directories open a directory that may be all right, and leave it then.
func directories() []Case {
	var all []Case
	for name, dir := range map[string]string{
		"dot": ".", "empty": "", "root": "/", "dotdot": "..", "dotdot-slash": "../", "sub": "sub", "link": "link",
		"link-slash": "link/", "link-dot": "link/.", "absolute": "absolute", "self": "self", "long": strings.Repeat("sub/../", 2000),
	} {
		c := attack("from-"+name, ABICommand, Contained(), "opens relative to a directory what it would not open relative to the mount", func(g *guest) {
			var code []asm.Code
			for i, then := range []string{"secret", "outside/secret", "../outside/secret", "../../outside/secret", "environ"} {
				code = append(code, g.open(dir, oDirectory), asm.I32Eqz,
					asm.If(breach(i+1, g.openAt(opened, 1, then, 0, rightsRead))))
			}
			g.run("", code...)
		})
		c.Setup.Mount = MountReadOnly
		all = append(all, c)
	}
	sortCases(all)
	for name, length := range map[string]int{"4k": 4 << 10, "64k": 64 << 10, "1m": 1 << 20} {
		for kind, part := range map[string]string{"deep": "a/", "name": "aa", "up": "../", "slash": "//"} {
			c := attack(fmt.Sprintf("%s-path-of-%s", kind, name), ABICommand, Contained(),
				"copies and cleans a path of megabytes, or passes it to its operating system", func(g *guest) {
					g.pages(40, 40)
					path := strings.Repeat(part, length/len(part)) + "secret"
					g.run("", breach(1, g.open(path, 0)),
						g.host("path_create_directory", asm.I32(mounted), g.str(path)), asm.Drop)
				})
			c.Setup.Mount = MountReadOnly
			all = append(all, c)
		}
	}
	sortCases(all)
	return all
}

// links make links, and go through them.
func links() []Case {
	through := func(name, why string, prepare func(g *guest) asm.Code, paths ...string) Case {
		c := attack(name, ABICommand, Contained(), why, func(g *guest) {
			code := []asm.Code{prepare(g), asm.Drop}
			for i, p := range paths {
				code = append(code, breach(2*i+1, g.open(p, 0)), breach(2*i+2, g.open(p, oTruncate)))
			}
			g.run("", code...)
		})
		c.Setup.Mount = MountWritable
		return c
	}
	symlink := func(target string) func(g *guest) asm.Code {
		return func(g *guest) asm.Code {
			return g.host("path_symlink", g.str(target), asm.I32(mounted), g.str("out"))
		}
	}
	link := func(flags int, from, to string) func(g *guest) asm.Code {
		return func(g *guest) asm.Code {
			return g.host("path_link", asm.I32(mounted), asm.I32(flags), g.str(from), asm.I32(mounted), g.str(to))
		}
	}
	rename := func(from, to string) func(g *guest) asm.Code {
		return func(g *guest) asm.Code {
			return g.host("path_rename", asm.I32(mounted), g.str(from), asm.I32(mounted), g.str(to))
		}
	}
	const symlinks = "lets a guest make a link, and then follows it"
	return []Case{
		through("symlink", symlinks, symlink("../outside"), "out/secret"),
		through("symlink-absolute", symlinks, symlink("/etc"), "out/hostname"),
		through("symlink-to-file", symlinks, symlink("../outside/secret"), "out"),
		through("symlink-through-sub", symlinks, symlink("sub/../../outside"), "out/secret"),
		through("symlink-to-link", symlinks, symlink("link"), "out/secret"),
		through("hard-link", "links a file from outside into the mount", link(0, "../outside/secret", "out"), "out"),
		through("hard-link-to-link", "links what a link points to", link(1, "secret", "out"), "out"),
		through("hard-link-through-link", "links a file from outside into the mount", link(1, "link/secret", "out"), "out"),
		through("rename-link", "moves a link to where it points elsewhere", rename("link", "sub/link"), "sub/link/secret"),
		through("rename-link-deeper", "moves a link that was right at its place", rename("sub", "moved"), "moved/../link/secret"),
		through("rename-in", "moves a file from outside into the mount", rename("../outside/secret", "out"), "out"),
		through("rename-in-through-link", "moves a file from outside into the mount", rename("link/secret", "out"), "out"),
		through("rename-out", "moves a file out of the mount", rename("file", "../outside/stolen")),
		through("rename-out-through-link", "moves a file out of the mount", rename("file", "link/stolen")),
		through("rename-directory-out", "moves a directory out of the mount", rename("sub", "link/stolen")),
		through("rename-over-mount", "replaces the mounted directory itself", rename("sub", ".")),
		through("rename-mount", "moves the mounted directory itself", rename(".", "sub/mount"), "sub/mount/link/secret"),
	}
}
