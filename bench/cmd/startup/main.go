// Command startup measures how long the command takes from its start to its end, beside
// the least that a process costs: /bin/true, and a program in Go that says hello. All are
// started in turns, so that noise hits all alike. It prints the median of each, in
// milliseconds, and that of the ratios to /bin/true of the same round.
//
// Run it in the directory bench.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"
)

// hello is the least program in Go.
const hello = "package main\n\nimport \"os\"\n\nfunc main() { os.Stdout.WriteString(\"hello\\n\") }\n"

// subject is a command that is started again and again.
type subject struct {
	name   string
	args   []string
	before func() error // not measured
	every  int          // rounds of which it takes part in one
	took   []time.Duration
	to     []float64
	wanted string // at most
}

func main() {
	rounds := flag.Int("rounds", 41, "how many rounds")
	flag.Parse()
	if err := run(*rounds); err != nil {
		fmt.Fprintln(os.Stderr, "startup:", err)
		os.Exit(1)
	}
}

func run(rounds int) error {
	dir, err := os.MkdirTemp("", "startup-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	all, err := subjects(dir)
	if err != nil {
		return err
	}
	for round := range rounds + 1 { // the first is not counted
		var least time.Duration
		for _, s := range all {
			if round%s.every != 0 {
				continue
			}
			took, err := s.measure()
			if err != nil {
				return err
			}
			if least == 0 {
				least = took
			}
			if round > 0 {
				s.took, s.to = append(s.took, took), append(s.to, float64(took)/float64(least))
			}
		}
	}
	fmt.Println("| start to end | median | to /bin/true | wanted |\n|---|---|---|---|")
	for _, s := range all {
		fmt.Printf("| %s | %.1f ms | %.1f | %s |\n", s.name, median(s.took).Seconds()*1e3, median(s.to), s.wanted)
	}
	return nil
}

// subjects builds what is measured. The one that others are set beside is the first.
func subjects(dir string) ([]*subject, error) {
	least, command := filepath.Join(dir, "hello"), filepath.Join(dir, "graflow-wasm")
	source := filepath.Join(dir, "hello.go")
	if err := os.WriteFile(source, []byte(hello), 0o600); err != nil {
		return nil, err
	}
	root, err := filepath.Abs("..")
	if err != nil {
		return nil, err
	}
	guest := filepath.Join(dir, "guest.wasm")
	for _, b := range []struct {
		in, wasm string
		args     []string
	}{
		{dir, "", []string{"-o", least, source}},
		{root, "", []string{"-trimpath", "-o", command, "./cmd/graflow-wasm"}},
		{filepath.Join(root, "examples", "01-hello", "guest"), "wasip1", []string{"-trimpath", "-buildmode=c-shared", "-ldflags", "-w", "-o", guest, "."}},
	} {
		if err := build(b.in, b.wasm, b.args...); err != nil {
			return nil, err
		}
	}
	flow := filepath.Join(root, "examples", "01-hello", "hello.flow.yaml")
	warm, cold := filepath.Join(dir, "warm"), filepath.Join(dir, "cold")
	clear := func() error { return os.RemoveAll(cold) }
	return []*subject{
		{name: "`/bin/true`", args: []string{"/bin/true"}, every: 1},
		{name: "hello in Go", args: []string{least}, every: 1},
		{name: "`version`", args: []string{command, "version"}, every: 1, wanted: "30 ms"},
		{name: "`run` of a module, warm", args: []string{command, "run", guest + "#hello", "--input", "{}", "--cache-dir", warm}, every: 1, wanted: "150 ms"},
		{name: "`run` of 01-hello, warm: with `go build`", args: []string{command, "run", flow, "--cache-dir", warm}, every: 1, wanted: "150 ms"},
		{name: "`run` of a module, cold", args: []string{command, "run", guest + "#hello", "--input", "{}", "--cache-dir", cold}, before: clear, every: 5, wanted: "1.5 s"},
		{name: "`run` of 01-hello, cold: with `go build`", args: []string{command, "run", flow, "--cache-dir", cold}, before: clear, every: 5, wanted: "1.5 s"},
	}, nil
}

// build runs go build in a directory, for another system if one is named.
func build(dir, wasm string, args ...string) error {
	cmd := exec.Command("go", append([]string{"build"}, args...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if wasm != "" {
		cmd.Env = append(cmd.Env, "GOOS="+wasm, "GOARCH=wasm")
	}
	if words, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build %v: %w\n%s", args, err, words)
	}
	return nil
}

func (s *subject) measure() (time.Duration, error) {
	if s.before != nil {
		if err := s.before(); err != nil {
			return 0, err
		}
	}
	cmd := exec.Command(s.args[0], s.args[1:]...)
	began := time.Now()
	words, err := cmd.CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("%s: %w\n%s", s.name, err, words)
	}
	return time.Since(began), nil
}

func median[T int64 | float64 | time.Duration](all []T) T {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[len(all)/2]
}
