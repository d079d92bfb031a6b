package gauntlet

import (
	"bytes"
	"slices"

	"github.com/graflow/graflow-wasm/wasmhost/gauntlet/internal/asm"
)

func floods() []Case {
	text := bytes.Repeat([]byte("flood "), 10_000)
	const keeps = "collects whatever a guest writes, until the process ends for want of memory"
	line := func(g *guest, fd int, text []byte) asm.Code {
		g.pages(4, 4)
		at := g.put(text)
		vec := g.put(words(at, uint32(len(text))))
		return g.host("fd_write", asm.I32(fd), asm.I32(vec), asm.I32(1), asm.I32(resultAt))
	}
	// vectors writes gigabytes in one call: a thousand times the same mebibytes.
	vectors := func(g *guest, fd int) asm.Code {
		g.pages(64, 64)
		vec := g.put(slices.Concat(slices.Repeat([][]byte{words(0, 4<<20)}, 1000)...))
		return g.host("fd_write", asm.I32(fd), asm.I32(vec), asm.I32(1000), asm.I32(resultAt))
	}
	log := func(g *guest, n int) asm.Code {
		return asm.Seq(g.host("log", asm.I32(0), asm.I32(0), asm.I32(n)))
	}
	busy := Stopped(KindTimeout, KindHostCalls)
	calls := func(name, why string, code func(g *guest) asm.Code) Case {
		return attack(name, ABIGraflow, busy, why, func(g *guest) { g.run("", forever(code(g))) })
	}
	limited := calls("host-calls", "answers calls without counting them", func(g *guest) asm.Code {
		return asm.Seq(g.host("input_len"), asm.Drop)
	})
	limited.Limits.HostCalls, limited.Verdict.Stopped = 1000, []string{KindHostCalls}
	all := []Case{
		attack("stdout", ABICommand, Stopped(KindOutput), keeps, func(g *guest) { g.run("", forever(line(g, 1, text), asm.Drop)) }),
		attack("stdout-at-once", ABICommand, Stopped(KindOutput), keeps, func(g *guest) { g.run("", vectors(g, 1), asm.Drop) }),
		attack("stdout-by-byte", ABICommand, Stopped(KindOutput, KindTimeout), keeps, func(g *guest) { g.run("", forever(line(g, 1, text[:1]), asm.Drop)) }),
		attack("stdout-of-reactor", ABIReactor, busy, keeps, func(g *guest) { g.run("", forever(line(g, 1, text), asm.Drop)) }),
		attack("stderr", ABICommand, busy, keeps, func(g *guest) { g.run("", forever(line(g, 2, text), asm.Drop)) }),
		attack("stderr-lines", ABICommand, busy, "handles each of a million empty lines", func(g *guest) {
			g.run("", forever(line(g, 2, bytes.Repeat([]byte{'\n'}, 60_000)), asm.Drop))
		}),
		attack("stderr-at-once", ABICommand, Contained().Or(busy), keeps, func(g *guest) { g.run("", vectors(g, 2), asm.Drop) }),
		attack("nothing", ABICommand, busy, "writes nothing, a million times", func(g *guest) {
			g.run("", forever(g.host("fd_write", asm.I32(1), asm.I32(64), asm.I32(0), asm.I32(resultAt)), asm.Drop))
		}),
		attack("output", ABIGraflow, Stopped(KindOutput), keeps, func(g *guest) {
			g.run("", forever(g.host("output_write", asm.I32(0), asm.I32(pageBytes)), asm.Drop))
		}),
		attack("output-at-once", ABIGraflow, Stopped(KindOutput), keeps, func(g *guest) {
			g.pages(1000, 1000)
			g.run("", g.host("output_write", asm.I32(0), asm.I32(1000*pageBytes)), asm.Drop)
		}),
		attack("random", ABIReactor, busy, "draws gigabytes of randomness, in calls of 60 MiB", func(g *guest) {
			g.pages(1000, 1000)
			g.run("", forever(g.host("random_get", asm.I32(0), asm.I32(60<<20)), asm.Drop))
		}),
		attack("random-by-byte", ABIReactor, busy, "asks its own operating system for each byte of randomness", func(g *guest) {
			g.run("", forever(g.host("random_get", asm.I32(0), asm.I32(1)), asm.Drop))
		}),
		attack("stdin", ABICommand, busy, "reads the end of its own standard input for ever", func(g *guest) {
			vec := g.put(words(1024, 1024))
			g.run("", forever(g.host("fd_read", asm.I32(0), asm.I32(vec), asm.I32(1), asm.I32(resultAt)), asm.Drop))
		}),
		calls("log", keeps, func(g *guest) asm.Code { return log(g, 1000) }),
		calls("log-60-mib", "copies 60 MiB for each line, of which it keeps a few", func(g *guest) asm.Code {
			g.pages(1000, 1000)
			return log(g, 60<<20)
		}),
		calls("log-lines", "splits 60 MiB of nothing but newlines", func(g *guest) asm.Code {
			g.pages(1000, 1000)
			lines := asm.Seq(asm.I32(0), asm.I32('\n'), asm.I32(60<<20), asm.MemoryFill)
			return asm.Seq(lines, log(g, 60<<20))
		}),
		calls("progress", "tells its watchers of each of a million steps", func(g *guest) asm.Code {
			return asm.Seq(g.host("progress", asm.F64(1), asm.F64(2), asm.I32(0), asm.I32(1000)))
		}),
		calls("meta", "encodes a document for each of a million calls", func(g *guest) asm.Code {
			return asm.Seq(g.host("meta"), asm.Drop)
		}),
		calls("fail", "keeps each of a million failures", func(g *guest) asm.Code {
			return asm.Seq(g.host("fail", asm.I32(0), asm.I32(10), asm.I32(0), asm.I32(pageBytes), asm.I64(0)))
		}),
		limited,
	}
	return append(all, effects()...)
}

// effects are floods of what a task asks for, which a host keeps until it ends.
func effects() []Case {
	// untilRefused repeats a call that answers with a code.
	untilRefused := func(g *guest, call asm.Code) asm.Code {
		return asm.Loop(g.numbered(0), call, asm.I32(0), asm.I32GeS, asm.BrIf(0))
	}
	ops := func(name, function string, value string) Case {
		c := attack(name, ABIGraflow, Contained().Or(Stopped(KindChannelOps)), "keeps every change of the channel, however many", func(g *guest) {
			args := []asm.Code{asm.I32(1024), asm.I32(8)}
			if value != "" {
				args = append(args, g.str(value))
			}
			g.run("i", untilRefused(g, g.host(function, args...)))
		})
		c.Limits.ChannelOps, c.Limits.Timeout = 1000, 5e9
		return c
	}
	large := `"` + string(bytes.Repeat([]byte("x"), 50_000)) + `"`
	next := attack("next-task", ABIGraflow, Stopped(KindHostCalls), "keeps every task that was asked for, however many", func(g *guest) {
		at := g.put([]byte(`{"id":"x","input":` + large + `}`))
		g.run("i", untilRefused(g, g.host("next_task", asm.I32(at), asm.I32(len(large)+19))))
	})
	next.Limits.HostCalls, next.Limits.Timeout = 1000, 5e9
	return []Case{
		ops("channel-set", "channel_set", large),
		ops("channel-append", "channel_append", large),
		ops("channel-delete", "channel_delete", ""),
		ops("channel-add", "channel_add", "1"),
		next,
	}
}
