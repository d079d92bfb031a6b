package gauntlet

import (
	"github.com/graflow/graflow-wasm/wasmhost/gauntlet/internal/asm"
)

func disks() []Case {
	const (
		fills  = "fills its own disk"
		sparse = "makes a file of a tebibyte, which only pretends to take room until somebody copies it"
		nodes  = "counts bytes and not files, until there are no inodes left"
		tebi   = int64(1) << 40
	)
	ended := Contained().Or(Stopped(KindTimeout, KindDisk, KindHostCalls))
	var all []Case
	// add makes the case twice: in a directory, and in a tree in memory.
	add := func(name, why string, verdict Verdict, build func(g *guest)) {
		for _, mount := range []string{MountWritable, MountMemory} {
			full := name
			if mount == MountMemory {
				full += "-in-memory"
			}
			c := attack(full, ABICommand, verdict, why, build)
			c.Setup.Mount = mount
			if mount == MountMemory {
				c.Verdict.Growth = 128 << 20
			}
			all = append(all, c)
		}
	}
	create := func(g *guest) asm.Code { return asm.Seq(g.open("new", oCreate), asm.Drop) }
	// chunk writes 32 KiB of the memory; local 0 is the descriptor.
	chunk := func(g *guest) asm.Code {
		vec := g.put(words(0, 32<<10))
		return g.host("fd_write", asm.Get(0), asm.I32(vec), asm.I32(1), asm.I32(resultAt))
	}
	written := asm.Seq(opened, asm.Set(0))
	until := func(call asm.Code) asm.Code { return asm.Loop(call, asm.I32Eqz, asm.BrIf(0)) }

	add("sparse-size", sparse, ended, func(g *guest) {
		g.run("", create(g), breach(1, g.host("fd_filestat_set_size", opened, asm.I64(tebi))))
	})
	add("sparse-allocate", sparse, ended, func(g *guest) {
		g.run("", create(g), breach(1, g.host("fd_allocate", opened, asm.I64(0), asm.I64(tebi))))
	})
	add("sparse-pwrite", sparse, ended, func(g *guest) {
		vec := g.put(words(0, 16))
		g.run("", create(g), breach(1, g.host("fd_pwrite", opened, asm.I32(vec), asm.I32(1), asm.I64(tebi), asm.I32(resultAt+8))))
	})
	add("sparse-pwrite-at-the-end-of-numbers", "adds an offset and a length in 64 bits", ended, func(g *guest) {
		vec := g.put(words(0, 16))
		g.run("", create(g),
			breach(1, g.host("fd_pwrite", opened, asm.I32(vec), asm.I32(1), asm.I64(1<<63-8), asm.I32(resultAt+8))),
			breach(2, g.host("fd_pwrite", opened, asm.I32(vec), asm.I32(1), asm.I64(-8), asm.I32(resultAt+8))),
			breach(3, g.host("fd_filestat_set_size", opened, asm.I64(-1))))
	})
	add("sparse-seek", sparse, ended, func(g *guest) {
		g.run("i", create(g), written,
			g.host("fd_seek", asm.Get(0), asm.I64(tebi), asm.I32(0), asm.I32(resultAt+8)), asm.Drop, breach(1, chunk(g)))
	})
	add("append", fills, ended, func(g *guest) { g.run("i", create(g), written, until(chunk(g))) })
	add("one-write-of-a-gibibyte", fills, ended, func(g *guest) {
		g.pages(32, 32)
		vec := g.put(asm.Repeat(1024, words(0, 1<<20)))
		g.run("", create(g), g.host("fd_write", opened, asm.I32(vec), asm.I32(1024), asm.I32(resultAt+8)), asm.Drop)
	})
	add("grow-and-shrink", "lets a guest write for ever, as long as it takes away as much", Stopped(KindTimeout, KindDisk, KindHostCalls).Or(Contained()), func(g *guest) {
		g.run("i", create(g), written, forever(chunk(g), asm.Drop,
			g.host("fd_filestat_set_size", asm.Get(0), asm.I64(0)), asm.Drop))
	})
	add("files", nodes, ended, func(g *guest) {
		g.run("ii", asm.Loop(g.numbered(1),
			g.host("path_open", asm.I32(mounted), asm.I32(1), asm.I32(1024), asm.I32(8), asm.I32(oCreate),
				asm.I64(rightsAll), asm.I64(rightsAll), asm.I32(0), asm.I32(resultAt)),
			asm.Set(0), g.host("fd_close", opened), asm.Drop, asm.Get(0), asm.I32Eqz, asm.BrIf(0)))
	})
	add("directories", nodes, ended, func(g *guest) {
		g.run("ii", asm.Loop(g.numbered(1),
			g.host("path_create_directory", asm.I32(mounted), asm.I32(1024), asm.I32(8)), asm.I32Eqz, asm.BrIf(0)))
	})
	add("nested-directories", "descends into directories by recursion when it removes them", ended, func(g *guest) {
		at := g.put(asm.Repeat(16<<10, []byte("a/")))
		g.pages(4, 4)
		g.run("i", asm.Loop(
			asm.Get(0), asm.I32(2), asm.I32Add, asm.Set(0),
			g.host("path_create_directory", asm.I32(mounted), asm.I32(at), asm.Get(0)),
			asm.I32Eqz, asm.Get(0), asm.I32(32<<10), asm.I32LtU, asm.I32And, asm.BrIf(0)))
	})
	return append(all, openFiles()...)
}

// numbered writes the local as eight letters at 1024, counting it up.
func (g *guest) numbered(local int) asm.Code {
	code := asm.Seq(asm.Get(local), asm.I32(1), asm.I32Add, asm.Set(local))
	for i := range 8 {
		code = asm.Seq(code, asm.I32(1024+i), asm.Get(local), asm.I32(4*i), asm.I32ShrU,
			asm.I32(15), asm.I32And, asm.I32('a'), asm.I32Add, asm.Store8(0))
	}
	return code
}

// openFiles use up descriptors.
func openFiles() []Case {
	const limit = 16
	with := func(name, why string, build func(g *guest)) Case {
		c := attack(name, ABICommand, Contained().Or(Stopped(KindTimeout)), why, build)
		c.Setup.Mount, c.Limits.OpenFiles = MountReadOnly, limit
		return c
	}
	open := func(g *guest, path string) asm.Code {
		return asm.Loop(
			asm.Get(0), asm.I32(1), asm.I32Add, asm.Tee(0), asm.I32(limit+1), asm.I32GtS, asm.If(asm.I32(1), asm.Return),
			g.open(path, 0), asm.I32Eqz, asm.BrIf(0))
	}
	return []Case{
		with("open-files", "gives all the descriptors of its process to one guest", func(g *guest) { g.run("i", open(g, "file")) }),
		with("open-directories", "gives all the descriptors of its process to one guest", func(g *guest) { g.run("i", open(g, "sub")) }),
		with("open-and-close", "loses a descriptor each time", func(g *guest) {
			g.run("i", times(2000, 0, g.open("file", 0), asm.Drop, g.host("fd_close", opened), asm.Drop))
		}),
		with("renumber-far", "keeps its table of descriptors as long as its largest number, which the guest chooses", func(g *guest) {
			g.run("", g.open("file", 0), asm.Drop,
				g.host("fd_renumber", opened, asm.I32(1<<30)), asm.Drop)
		}),
		with("renumber-negative", "indexes its table of descriptors with a negative number", func(g *guest) {
			g.run("", g.open("file", 0), asm.Drop,
				g.host("fd_renumber", opened, asm.I32(-1)), asm.Drop,
				g.host("fd_renumber", asm.I32(-1), opened), asm.Drop)
		}),
		with("renumber-over-mount", "forgets which descriptors it gave itself", func(g *guest) {
			g.run("", g.open("file", 0), asm.Drop,
				g.host("fd_renumber", opened, asm.I32(mounted)), asm.Drop,
				g.host("fd_close", asm.I32(mounted)), asm.Drop, breach(1, g.open("../outside/secret", 0)))
		}),
		with("close-standard-files", "closes its own standard output", func(g *guest) {
			g.run("", g.host("fd_close", asm.I32(0)), asm.Drop, g.host("fd_close", asm.I32(1)), asm.Drop, g.host("fd_close", asm.I32(2)), asm.Drop)
		}),
		with("rewind-for-ever", "reads a directory from its beginning each time it is asked", func(g *guest) {
			g.run("", forever(g.host("fd_readdir", asm.I32(mounted), asm.I32(1024), asm.I32(4096), asm.I64(0), asm.I32(resultAt)), asm.Drop))
		}),
	}
}
