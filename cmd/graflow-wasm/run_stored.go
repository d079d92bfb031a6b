package main

import (
	"context"

	"github.com/graflow/graflow-wasm/flowfile"
	"github.com/graflow/graflow-wasm/internal/ops"
)

// storedPrefix begins a target that is a flow which a cluster keeps.
const storedPrefix = "flow:"

// stored is a flow that the cluster keeps on which it is to run.
func (o *runOptions) stored(ctx context.Context, ref string) (target, error) {
	name := storedPrefix + ref
	if !o.place.isFar() {
		return target{}, usagef("run %s: flows are kept by clusters: say which one with --nats URL or --server URL, or give a flow file", name)
	}
	if given := o.sandbox.given(); len(given) > 0 {
		return target{}, ofModulesAlone(name, given)
	}
	var kept ops.Flow
	err := o.place.cluster.withService(ctx, "run "+name, func(s ops.Service) error {
		var err error
		kept, err = s.Flows.Show(ctx, ref)
		return noSuchFlow(err)
	})
	if err != nil {
		return target{}, err
	}
	file, err := flowfile.Parse(ref+".flow.yaml", []byte(kept.Source))
	if err != nil {
		return target{}, flowError(name, err)
	}
	graph, err := file.Build()
	if err != nil {
		return target{}, flowError(name, file.Locate(err))
	}
	return target{graph: graph, flow: &flow{file: file, graph: graph}}, nil
}
