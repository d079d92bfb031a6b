package main

import (
	"fmt"
	"strings"

	"github.com/graflow/graflow-wasm/internal/policy"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// policy tells what bounds those who submit, and what they have killed.
func (f *findings) policy(flags *policyFlags, containers *dockerFlags) {
	p, err := flags.read(policy.Node(), containers)
	if err != nil {
		f.wrong("policy", "graflow-wasm policy check FILE tells all that is wrong with it", "%s", err)
		return
	}
	text := "without one " + boundsOfNode
	if p.File != "" {
		text = p.File + " can be read"
	}
	f.ok("policy", "%s; on a server or a worker %s", text, isolationText(p))
	f.cells(p)
	f.quarantined(&flags.quarantine)
}

// cells tells whether modules can have processes of their own.
func (f *findings) cells(p *policy.Policy) {
	err := wasmhost.CellsError()
	switch {
	case err == nil:
		f.walls(wasmhost.ExamineCells())
	case p.Said && p.Isolation != policy.Inproc:
		f.wrong("isolation", "run it on Linux, or write isolation: inproc", "the policy wants processes for modules: %s", err)
	default:
		f.warn("isolation", "run servers and workers on Linux", "%s", err)
	}
}

// walls tells what stands around such a process.
func (f *findings) walls(w wasmhost.CellWalls) {
	if w.Problem != "" {
		f.wrong("isolation", "", "no process of its own can be started for a module: %s", w.Problem)
		return
	}
	text := "modules can run in processes of their own, behind " + strings.Join(w.Standing(), ", ")
	var missing []string
	for _, one := range w.Missing() {
		missing = append(missing, fmt.Sprintf("%s (%s)", one.Name, one.Note))
	}
	switch {
	case len(missing) == 0:
		f.ok("isolation", "%s", text)
	case w.Weak():
		f.warn("isolation", "allow user namespaces, see docs/cells.md", "%s; without %s", text, strings.Join(missing, ", "))
	default:
		f.ok("isolation", "%s; without %s", text, strings.Join(missing, ", "))
	}
}

func (f *findings) quarantined(where *quarantineFlags) {
	s, err := where.open()
	if err != nil {
		f.wrong("quarantine", "", "%s", err)
		return
	}
	all, err := s.List()
	if err != nil {
		f.wrong("quarantine", "", "%s", err)
		return
	}
	var refused []string
	for _, e := range all {
		if e.Refused() {
			refused = append(refused, e.Digest)
		}
	}
	switch {
	case len(refused) > 0:
		f.warn("quarantine", "graflow-wasm module quarantine show "+refused[0], "not run any more, as they killed their processes: %s", strings.Join(refused, ", "))
	case len(all) > 0:
		f.warn("quarantine", "graflow-wasm module quarantine ls", "%s killed a process, and may still run", countOf(len(all), "module or code has", "modules or codes have"))
	default:
		f.ok("quarantine", "nothing has killed its process%s", quarantineIn(where))
	}
}

// quarantineIn names the file.
func quarantineIn(where *quarantineFlags) string {
	return fmt.Sprintf(", as %s has it", where.path())
}
