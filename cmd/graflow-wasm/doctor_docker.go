package main

import (
	"context"

	"github.com/graflow/graflow-wasm/handlers/docker"
)

// containers looks at what Docker tasks need. Without a policy nobody may have said
// that there are any: then no daemon is no fault.
func (f *findings) containers(ctx context.Context, flags *dockerFlags) {
	report := docker.Examine(ctx, docker.Config{Scratch: flags.scratch})
	for _, found := range report.Findings {
		status := string(found.Status)
		if found.Status == docker.StatusNote && flags.policy != nil {
			status = findingWrong
		}
		f.all = append(f.all, finding{Check: found.Check, Status: status, Text: found.Text, Do: found.Do})
	}
	if flags.policy != nil {
		f.ok("docker policy", "%s can be read", flags.from)
	}
}
