package inside_test

import (
	"testing"

	"github.com/graflow/graflow-wasm/handlers/docker/inside"
	"github.com/graflow/graflow-wasm/handlers/docker/internal/lines"
	"github.com/graflow/graflow-wasm/internal/dockertest"
	"github.com/graflow/graflow-wasm/internal/guesttest"
)

// BenchmarkRun is a container from start to end: a command that does nothing, by
// itself, under the verb run, and with a result file.
func BenchmarkRun(b *testing.B) {
	docker(b)
	a := begin(b, lines.Config{Limits: lines.Limits{HostCalls: 1 << 40}})
	args := a.hardened()
	for _, pair := range environment() {
		args = append(args, "--env="+pair)
	}
	image := dockertest.Busybox(b)
	for _, bench := range []struct {
		name    string
		command []string
	}{
		{"plain", []string{image, "true"}},
		{"run", []string{image, mounted, inside.Word, inside.VerbRun, "--", "true"}},
		{"result", []string{"--env=" + resultFile, image, mounted, inside.Word, inside.VerbRun, "--", "sh", "-c", "echo 1 >/out/result"}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			for b.Loop() {
				if got := a.docker(append(args[:len(args):len(args)], bench.command...)); got.code != 0 {
					b.Fatalf("got %+v", got)
				}
			}
		})
	}
}

// BenchmarkServe is a job of a pool from start to end.
func BenchmarkServe(b *testing.B) {
	p := startPool(b)
	for name, command := range map[string][]string{
		"true":  {"true"},
		"files": {"sh", "-c", "echo 1 >/tmp/a; echo 2 >/out/b"},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				p.succeed(b, 0, command...)
			}
		})
	}
}

// BenchmarkWasm is a container with a task of a module built with Go.
func BenchmarkWasm(b *testing.B) {
	docker(b)
	module := guesttest.Build(b, "testdata/guest")
	cache := prepared(b, module)
	for _, bench := range []struct {
		name string
		task inside.WasmTask
		more []string
	}{
		{"compiled", inside.WasmTask{}, nil},
		{"cached", inside.WasmTask{Cache: "/run/graflow/cache"}, []string{"--volume=" + cache + ":/run/graflow/cache:ro"}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			for b.Loop() {
				if got, process := within(b, module, "echo", "1", bench.task, bench.more...); got.output != "1" {
					b.Fatalf("got %+v, %+v", got, process)
				}
			}
		})
	}
}
