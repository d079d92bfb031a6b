package main

import (
	"github.com/spf13/pflag"
)

// placeFlags say where runs are: in a state directory, on a cluster, with a server
// that is asked, or nowhere but in this process.
type placeFlags struct {
	state   stateFlags
	cluster clusterFlags // and its server
}

// addTo adds the flags. usage is that of the state directory.
func (p *placeFlags) addTo(f *pflag.FlagSet, usage string) {
	p.state.addTo(f, usage)
	p.cluster.addAllTo(f, "the runs of the cluster at `URL`, as nats://host:4222", "the runs of the server at `URL`, as https://host:7070, or in a directory")
}

// of makes it the place of another, to be used otherwise.
func (p *placeFlags) of(other *placeFlags) {
	p.state.dir, p.state.flag, p.cluster = other.state.dir, other.state.flag, other.cluster
}

// kinds are the places that a flag or a variable names.
func (p *placeFlags) kinds() []kindOfPlace {
	return append([]kindOfPlace{{"--state", stateVariable, p.state.used(), p.state.given()}}, p.cluster.kinds()...)
}

// check refuses two places. A flag goes before the variable of another place.
func (p *placeFlags) check() error {
	_, err := choose(p.kinds())
	return err
}

// kind is the flag of the place, "" for none.
func (p *placeFlags) kind() string {
	flag, _ := choose(p.kinds())
	return flag
}

// onCluster tells whether the runs are on a cluster that this process joins.
func (p *placeFlags) onCluster() bool { return p.kind() == "--nats" }

// onServer tells whether a server is asked for the runs.
func (p *placeFlags) onServer() bool { return p.kind() == "--server" }

// isFar tells whether others drive the runs.
func (p *placeFlags) isFar() bool { return p.onCluster() || p.onServer() }

// path is the state directory, "" for none.
func (p *placeFlags) path() string {
	if p.isFar() {
		return ""
	}
	return p.state.path()
}

// kept tells whether runs outlive this process.
func (p *placeFlags) kept() bool { return p.isFar() || p.path() != "" }

// name is the place in a sentence.
func (p *placeFlags) name() string {
	switch {
	case p.onCluster():
		return "the cluster"
	case p.onServer():
		return "the cluster of the server"
	}
	return p.state.path()
}

// argument is what a command line needs to mean the same place.
func (p *placeFlags) argument() string {
	switch {
	case p.onCluster():
		return p.cluster.argument()
	case p.onServer():
		return p.cluster.remoteArgument()
	}
	return p.state.argument()
}

// existing wants a place to be named, and a state directory to be there: what only
// reads makes none.
func (p *placeFlags) existing() error {
	if err := p.check(); err != nil || p.isFar() {
		return err
	}
	return p.state.existing()
}

// kindOfPlace is where something may be.
type kindOfPlace struct {
	flag, variable string
	used, given    bool // given by the flag
}

// choose is the flag of the one place that is named, "" for none. What flags say goes
// before what variables do.
func choose(all []kindOfPlace) (string, error) {
	var given, set []kindOfPlace
	for _, k := range all {
		switch {
		case k.used && k.given:
			given = append(given, k)
		case k.used:
			set = append(set, k)
		}
	}
	switch {
	case len(given) > 1:
		return given[0].flag, usagef("%s and %s: %sgive one of them", given[0].flag, given[1].flag, wherever(given))
	case len(given) == 1:
		return given[0].flag, nil
	case len(set) > 1:
		return set[0].flag, usagef("%s and %s are both set: say where %s with %s or %s, or unset one", set[0].variable, set[1].variable, whatIs(set), set[0].flag, set[1].flag)
	case len(set) == 1:
		return set[0].flag, nil
	}
	return "", nil
}

// wherever says why one place is enough.
func wherever(places []kindOfPlace) string {
	if places[0].flag == "--state" {
		return "a run is kept in a directory, or on a cluster; "
	}
	return "each names a cluster; "
}

func whatIs(places []kindOfPlace) string {
	if places[0].flag == "--state" {
		return "the runs are"
	}
	return "the cluster is"
}
