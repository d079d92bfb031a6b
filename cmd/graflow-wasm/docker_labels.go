package main

import (
	"context"
	"fmt"
	"io"

	"github.com/graflow/graflow-wasm/handlers/docker"
)

// Labels of processes that run containers, which tasks can require.
const (
	labelDocker = "docker"
	labelGPU    = "gpu"
)

// offerContainers adds the labels of what this process has for tasks in containers:
// docker=1 with a policy and a daemon that answers, and gpu=1 if that has what hands
// out GPUs and the policy lets it. What the operator says of them is left as it is.
func (o *nodeFlags) offerContainers(ctx context.Context, say io.Writer) {
	if o.docker.policy == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, examineFor)
	defer cancel()
	report := docker.Examine(ctx, docker.Config{Scratch: o.docker.scratch})
	for _, found := range report.Findings {
		if found.Status == docker.StatusWrong || found.Status == docker.StatusNote {
			fmt.Fprintf(say, "graflow-wasm: %s: %s\n", found.Check, oneLine(found.Text))
		}
	}
	if !report.Answers {
		if _, ok := o.offers[labelDocker]; !ok {
			fmt.Fprintf(say, "graflow-wasm: without a daemon this process is not labeled %s=1; Docker tasks that it gets all the same fail\n", labelDocker)
		}
		return
	}
	o.offer(labelDocker)
	if report.GPU && o.docker.policy.GPUs {
		o.offer(labelGPU)
	}
}

// offer adds a label, unless the operator has one of that name.
func (o *nodeFlags) offer(label string) {
	if _, ok := o.offers[label]; !ok {
		o.offers[label] = "1"
	}
}
