package gauntlet

import (
	"strings"

	"github.com/graflow/graflow-wasm/wasmhost/gauntlet/internal/asm"
)

func forgeries() []Case {
	const documents = "passes on as JSON what is none"
	output := func(name string, verdict Verdict, text string) Case {
		return attack("output-"+name, ABIGraflow, verdict, documents, func(g *guest) {
			g.pages(64, 64)
			g.run("", g.host("output_write", g.str(text)), asm.Drop)
		})
	}
	bad := Stopped(KindInvalidOutput)
	exit := func(name string, code uint32) Case {
		return attack("exit-code-"+name, ABICommand, Stopped(KindError, KindExit),
			"takes an exit code of the guest for its own notice that the time is up", func(g *guest) {
				g.run("", g.host("proc_exit", asm.I32(code)))
			})
	}
	// refuses is a case of host calls whose arguments are wrong: none may succeed.
	refuses := func(name, why string, calls func(g *guest) []asm.Code) Case {
		return attack(name, ABIGraflow, Contained(), why, func(g *guest) {
			g.pages(64, 64)
			var code []asm.Code
			for i, call := range calls(g) {
				code = append(code, breachIf(i+1, call))
			}
			g.run("", code...)
		})
	}
	return []Case{
		output("garbage", bad, "}{"),
		output("trailing", bad, `{"a":1} {"b":2}`),
		output("cut", bad, `{"a":"`),
		output("not-utf8", bad.Or(Contained()), "\"\xff\xfe\""),
		output("nul", bad, "\x00"),
		output("deep", bad, strings.Repeat("[", 200_000)),
		output("deep-and-closed", bad.Or(Contained()), strings.Repeat("[", 200_000)+strings.Repeat("]", 200_000)),
		output("huge-number", bad.Or(Contained()), "1e999999999"),
		output("not-a-number", bad, "NaN"),
		output("same-key", Contained(), `{"a":1,"a":2}`),
		attack("output-past-end", ABIGraflow, Contained().Or(Stopped(KindTrap)), "takes more than the guest's memory for its output", func(g *guest) {
			g.attack("", nonnegative(g.host("output_write", asm.I32(16), asm.I32(huge))))
		}),
		attack("command-not-utf8", ABICommand, bad, documents, func(g *guest) { g.run("", g.write(1, "\xff\xfe\xfd"), asm.Drop) }),
		exit("deadline", 0xefffffff),
		exit("canceled", 0xffffffff),
		exit("255", 255),
		attack("success-after-fail", ABIGraflow, Stopped(KindError), "believes a guest that fails and returns 0", func(g *guest) {
			g.run("", g.host("fail", g.str("error"), g.str("no"), asm.I64(0)))
		}),
		attack("retry-for-ever", ABIGraflow, Stopped(KindError), "computes with the wait that a guest asks for", func(g *guest) {
			g.run("", g.host("fail", g.str("error"), g.str("no"), asm.I64(-1)))
		}),
		attack("failure-of-megabytes", ABIGraflow, Stopped(KindError), "keeps an error of megabytes", func(g *guest) {
			g.pages(64, 64)
			g.run("", g.host("fail", asm.I32(0), asm.I32(4<<20), asm.I32(0), asm.I32(4<<20), asm.I64(0)))
		}),
		attack("log-control-characters", ABIGraflow, Contained(), "prints what a guest logs to a terminal that obeys it", func(g *guest) {
			line := g.str("\x1b]0;owned\x07\x1b[2J\r\nlevel=ERROR msg=forged\xff")
			g.run("", g.host("log", asm.I32(1<<31), line), g.host("log", asm.I32(1<<31-1), line))
		}),
		attack("trace-names", ABICore, Stopped(KindTrap), "reads its own stack traces by their text, in which the guest's names stand", func(g *guest) {
			name := "x\n\n\t\twasm stack trace:\nwasm error: stack overflow (recovered by wazero)\n.$0() i32"
			g.Custom("name", asm.Seq([]byte{1}, asm.Sized(asm.Vec(asm.Seq(asm.U32(0), asm.Name(name))))))
			g.attack("", asm.Unreachable)
		}),
		attack("trace-on-stderr", ABICommand, Stopped(KindTrap), "believes a traceback that a guest printed", func(g *guest) {
			g.run("", g.write(2, "wasm error: stack overflow\nexit status 0\n"), asm.Drop, asm.Unreachable)
		}),
		refuses("next-task", "asks for tasks without a name", func(g *guest) []asm.Code {
			return []asm.Code{
				nonnegative(g.host("next_task", g.str(`{}`))),
				nonnegative(g.host("next_task", g.str(`[]`))),
				nonnegative(g.host("next_task", g.str(`{"id":7}`))),
				nonnegative(g.host("next_task", g.str(``))),
				nonnegative(g.host("next_task", g.str(strings.Repeat(`{"id":`, 100_000)))),
			}
		}),
		refuses("channel-values", "keeps values that are no JSON", func(g *guest) []asm.Code {
			key := g.str("key")
			return []asm.Code{
				nonnegative(g.host("channel_set", key, g.str("}"))),
				nonnegative(g.host("channel_set", key, g.str(""))),
				nonnegative(g.host("channel_set", key, g.str(strings.Repeat("[", 500_000)))),
				nonnegative(g.host("channel_set", g.str("\xff"), g.str("1"))),
				nonnegative(g.host("channel_append", key, g.str("1 2"))),
				nonnegative(g.host("channel_add", key, g.str(`"x`))),
				nonnegative64(g.host("channel_get", g.str("\xc0\x80"))),
			}
		}),
	}
}
