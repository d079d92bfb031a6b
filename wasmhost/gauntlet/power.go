package gauntlet

import (
	"strings"

	"github.com/graflow/graflow-wasm/wasmhost/gauntlet/internal/asm"
)

func powers() []Case {
	const asks = "grants what nobody granted"
	return append(append(imports(), []Case{
		attack("secret", ABIGraflow, Contained(), asks, func(g *guest) {
			g.attack("", nonnegative64(g.host("secret_get", g.str("token"))))
		}),
		attack("http", ABIGraflow, Contained(), asks, func(g *guest) {
			g.attack("", nonnegative64(g.host("http_request", g.str(`{"method":"GET","url":"http://127.0.0.1:1/"}`))))
		}),
		attack("tool", ABIGraflow, Contained(), asks, func(g *guest) {
			g.attack("", nonnegative64(g.host("tool_call", g.str("shell"), g.str(`"id"`))))
		}),
		denied("channel", func(g *guest) []asm.Code {
			key, value := g.str("key"), g.str("1")
			return []asm.Code{
				nonnegative64(g.host("channel_get", key)),
				nonnegative64(g.host("channel_keys", key)),
				nonnegative(g.host("channel_set", key, value)),
				nonnegative(g.host("channel_append", key, value)),
				nonnegative(g.host("channel_prepend", key, value)),
				nonnegative(g.host("channel_add", key, value)),
				nonnegative(g.host("channel_delete", key)),
			}
		}),
		denied("control", func(g *guest) []asm.Code {
			message := g.str(`"x"`)
			return []asm.Code{
				nonnegative(g.host("next_task", g.str(`{"id":"x"}`))),
				nonnegative(g.host("next_iteration", message)),
				nonnegative(g.host("terminate", message)),
				nonnegative(g.host("cancel", message)),
				nonnegative(g.host("checkpoint", message)),
				nonnegative(g.host("checkpoint_as", message, message)),
				nonnegative64(g.host("pause", g.str(`{"name":"x"}`))),
			}
		}),
		attack("environment", ABICommand, Contained(), "passes its own environment on", func(g *guest) {
			g.attack("", g.host("environ_sizes_get", asm.I32(resultAt), asm.I32(resultAt+4)), asm.Drop,
				asm.I32(resultAt), asm.Load32(0))
		}),
		attack("arguments", ABICommand, Contained(), "passes its own arguments on", func(g *guest) {
			g.attack("", g.host("args_sizes_get", asm.I32(resultAt), asm.I32(resultAt+4)), asm.Drop,
				asm.I32(resultAt), asm.Load32(0), asm.I32(1), asm.I32GtS)
		}),
		attack("files", ABICommand, Contained(), "shows a directory that nobody granted", func(g *guest) {
			g.run("", breach(1, g.host("fd_prestat_get", asm.I32(mounted), asm.I32(resultAt))),
				breach(2, g.open("/etc/hostname", 0)), breach(3, g.open(".", oDirectory)))
		}),
		attack("descriptors", ABICommand, Contained(), "leaves its own open files to the guest", func(g *guest) {
			g.run("i", asm.I32(mounted), asm.Set(0), asm.Loop(
				breach(1, g.host("fd_fdstat_get", asm.Get(0), asm.I32(resultAt))),
				asm.Get(0), asm.I32(1), asm.I32Add, asm.Tee(0), asm.I32(2000), asm.I32LtS, asm.BrIf(0)))
		}),
		attack("sockets", ABICommand, Contained(), "accepts connections for a guest", func(g *guest) {
			g.run("i", asm.Loop(
				breach(1, g.host("sock_accept", asm.Get(0), asm.I32(0), asm.I32(resultAt))),
				asm.Get(0), asm.I32(1), asm.I32Add, asm.Tee(0), asm.I32(100), asm.I32LtS, asm.BrIf(0)))
		}),
		attack("signals", ABICommand, Contained().Or(Stopped(KindExit, KindError, KindTrap)), "raises a signal in its own process", func(g *guest) {
			g.run("", g.host("proc_raise", asm.I32(9)), asm.Drop, g.host("proc_raise", asm.I32(15)), asm.Drop)
		}),
		mountedReadOnly(),
	}...), Case{
		Name: "clock-resolution", ABI: ABICommand, Verdict: Contained(), Attack: "fails over clocks that it does not have",
		Module: module(ABICommand, func(g *guest) {
			g.run("", breach(1, g.host("clock_time_get", asm.I32(99), asm.I64(0), asm.I32(resultAt))),
				breach(2, g.host("clock_res_get", asm.I32(-1), asm.I32(resultAt))))
		}),
	})
}

// nonnegative is whether a code says success.
func nonnegative(call asm.Code) asm.Code { return asm.Seq(call, asm.I32(0), asm.I32GeS) }

func nonnegative64(call asm.Code) asm.Code {
	return asm.Seq(call, asm.I64(0), asm.I64LtS, asm.I32Eqz)
}

// denied is a case of calls whose grant is taken away.
func denied(name string, calls func(g *guest) []asm.Code) Case {
	c := attack(name, ABIGraflow, Contained(), "grants what the operator took away", func(g *guest) {
		var code []asm.Code
		for i, call := range calls(g) {
			code = append(code, breachIf(i+1, call))
		}
		g.run("", code...)
	})
	c.Setup.Denied = true
	return c
}

func mountedReadOnly() Case {
	c := attack("write-read-only", ABICommand, Contained(), "lets a guest write what it may read", func(g *guest) {
		g.run("",
			breach(1, g.open("new", oCreate)),
			breach(2, g.open("file", oTruncate)),
			breach(3, g.host("path_create_directory", asm.I32(mounted), g.str("new"))),
			breach(4, g.host("path_unlink_file", asm.I32(mounted), g.str("file"))),
			breach(5, g.host("path_remove_directory", asm.I32(mounted), g.str("sub"))),
			breach(6, g.host("path_rename", asm.I32(mounted), g.str("file"), asm.I32(mounted), g.str("new"))),
			breach(7, g.host("path_symlink", g.str("file"), asm.I32(mounted), g.str("new"))),
			breach(8, g.host("path_link", asm.I32(mounted), asm.I32(0), g.str("file"), asm.I32(mounted), g.str("new"))),
			breach(9, g.host("path_filestat_set_times", asm.I32(mounted), asm.I32(0), g.str("file"), asm.I64(1), asm.I64(1), asm.I32(5))),
			g.open("file", 0), asm.Drop,
			breach(10, g.host("fd_filestat_set_size", opened, asm.I64(1))),
			breach(11, g.host("fd_allocate", opened, asm.I64(0), asm.I64(100))),
			breach(12, g.host("fd_write", opened, asm.I32(64), asm.I32(1), asm.I32(resultAt+8))))
	})
	c.Setup.Mount = MountReadOnly
	return c
}

// imports are imports that no host offers.
func imports() []Case {
	const links = "resolves an import that it does not offer to nothing, or to something of its own"
	function := func(name, module, field, params, results string) Case {
		return attack("import-"+name, ABICore, Refused(`(?i)import`), links, func(g *guest) {
			g.Import(module, field, params, results)
			g.run("")
		})
	}
	section := func(name string, what ...byte) Case {
		return raw("import-"+name, Refused(`(?i)import`), links, func() []byte {
			s := plain().Sections()
			item := asm.Seq(asm.Name("env"), asm.Name(name), what)
			imports := asm.Section(asm.SecImport, asm.Vec(item))
			return asm.Binary(append([][]byte{s[0], imports}, s[1:]...)...)
		})
	}
	return []Case{
		function("unknown-module", "env", "system", "ii", "i"),
		function("unknown-function", wasiModule, "proc_spawn", "ii", "i"),
		function("unknown-graflow", graflowModule, "shell", "ii", "i"),
		function("empty-names", "", "", "", ""),
		function("older-wasi", "wasi_unstable", "fd_write", "iiii", "i"),
		function("component", "wasi:cli/run@0.2.0", "run", "", "i"),
		function("other-type", wasiModule, "random_get", "II", "I"),
		function("no-result", graflowModule, "input_read", "ii", ""),
		function("long-name", strings.Repeat("m", 100_000), strings.Repeat("f", 100_000), "", ""),
		function("meter", "graflow:meter", "yield", "", ""),
		section("memory", 2, 0, 1),
		section("table", 1, 0x70, 0, 1),
		section("global", 3, 0x7e, 1),
		section("constant", 3, 0x7f, 0),
	}
}
