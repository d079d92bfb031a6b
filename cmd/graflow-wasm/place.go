package main

import (
	"github.com/spf13/pflag"
)

// placeFlags say where runs are: in a state directory, on a cluster, or nowhere but
// in this process.
type placeFlags struct {
	state   stateFlags
	cluster clusterFlags
}

// addTo adds the flags. usage is that of the state directory.
func (p *placeFlags) addTo(f *pflag.FlagSet, usage string) {
	p.state.addTo(f, usage)
	p.cluster.addTo(f, "the runs of the cluster at `URL`, as nats://host:4222")
}

// of makes it the place of another, to be used otherwise.
func (p *placeFlags) of(other *placeFlags) {
	p.state.dir, p.state.flag, p.cluster = other.state.dir, other.state.flag, other.cluster
}

// check refuses two places. A flag goes before the variable of the other place.
func (p *placeFlags) check() error {
	if !p.state.used() || !p.cluster.used() || p.state.given() != p.cluster.given() {
		return nil
	}
	if p.cluster.given() {
		return usagef("--state and --nats: a run is kept in a directory, or on a cluster; give one of them")
	}
	return usagef("%s and %s are both set: say where the runs are with --state or --nats, or unset one", stateVariable, clusterVariable)
}

// onCluster tells whether the runs are on a cluster.
func (p *placeFlags) onCluster() bool {
	return p.cluster.used() && (p.cluster.given() || !p.state.given() || !p.state.used())
}

// path is the state directory, "" for none.
func (p *placeFlags) path() string {
	if p.onCluster() {
		return ""
	}
	return p.state.path()
}

// kept tells whether runs outlive this process.
func (p *placeFlags) kept() bool { return p.onCluster() || p.path() != "" }

// name is the place in a sentence.
func (p *placeFlags) name() string {
	if p.onCluster() {
		return "the cluster"
	}
	return p.state.path()
}

// argument is what a command line needs to mean the same place.
func (p *placeFlags) argument() string {
	if p.onCluster() {
		return p.cluster.argument()
	}
	return p.state.argument()
}

// existing wants a place to be named, and a state directory to be there: what only
// reads makes none.
func (p *placeFlags) existing() error {
	if err := p.check(); err != nil || p.onCluster() {
		return err
	}
	return p.state.existing()
}
