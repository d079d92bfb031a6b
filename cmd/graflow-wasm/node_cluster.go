package main

import (
	"time"

	"github.com/graflow/graflow-wasm/internal/cluster"
	"github.com/graflow/graflow-wasm/internal/layout"
	"github.com/graflow/graflow-wasm/internal/ops"
	"github.com/graflow/graflow-wasm/script"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// Bounds of code that comes by the API, whatever it asks for.
const (
	codeFor    = time.Minute
	codeMemory = 1 << 30
)

// newCluster answers for the cluster that the node is of.
func (n *node) newCluster() (*cluster.Cluster, error) {
	code := script.Config{Host: n.wiring.host, Most: wasmhost.Limits{Timeout: codeFor, Memory: codeMemory}}
	n.wiring.bounds.sandbox(&code)
	sandbox, err := script.New(code)
	if err != nil {
		return nil, err
	}
	file, err := n.flags.secrets.open()
	if err != nil {
		file = nil // a user without a home has none to set
	}
	return cluster.New(cluster.Config{
		Bus: n.bus, Handlers: n.wiring.handlers, Host: n.wiring.host, Sandbox: sandbox, CodeAtOnce: n.flags.concurrency,
		Sessions: n.flags.sessions,
		Secrets:  file, Version: thisBuild().Version, Namespace: n.bus.Namespace(), Logger: n.log, Probe: n.flags.telemetry.probe(),
	})
}

// service is what can be asked of the cluster.
func (n *node) service() ops.Service {
	return n.cluster.Service()
}

// layouts draw graphs for the console.
func (n *node) layouts() (*layout.Layout, error) {
	config := script.Config{Host: n.wiring.host, Own: n.wiring.bounds.wall.Own}
	sandbox, err := script.New(config)
	if err != nil {
		return nil, err
	}
	return layout.New(layout.Config{Sandbox: sandbox, Logger: n.log})
}
