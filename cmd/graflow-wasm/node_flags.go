package main

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/internal/cluster"
	"github.com/graflow/graflow-wasm/internal/policy"
	"github.com/graflow/graflow-wasm/internal/secrets"
	"github.com/graflow/graflow-wasm/natsbus"
	"github.com/spf13/cobra"
)

// nodeFlags are those of a process that takes part in a cluster.
type nodeFlags struct {
	name        string
	queues      []string
	labels      []string
	concurrency int
	drain       time.Duration
	keep        time.Duration
	health      string
	prewarm     []string
	cacheDir    string
	secrets     secretFlags
	docker      dockerFlags
	policy      policyFlags
	telemetry   telemetryFlags
	sessions    cluster.SessionLimits // of a server

	store  secrets.Store     // what secrets opens
	offers map[string]string // what labels say
	within *policy.Policy    // what policy says
}

func (o *nodeFlags) addTo(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringSliceVar(&o.queues, "queues", nil, "take tasks from these queues, as `a,b` (default: default)")
	f.StringSliceVar(&o.labels, "labels", nil, "what this process has to offer to tasks that require it, as `gpu=1,zone=b`")
	f.IntVar(&o.concurrency, "concurrency", 0, fmt.Sprintf("tasks that run at once (default: twice the CPUs, at least 8; here %d)", concurrencyHere()))
	f.DurationVar(&o.drain, "drain", 30*time.Second, "how long tasks may go on after SIGTERM before other workers get them")
	f.DurationVar(&o.keep, "keep", 7*24*time.Hour, "how long runs are kept after their end; 0 is for ever")
	f.StringVar(&o.health, "health", "", "answer GET /healthz and /readyz on this `HOST:PORT`")
	f.StringSliceVar(&o.prewarm, "prewarm", nil, "have these modules of the registry compiled before they are needed, as `name,name@version`")
	f.StringVar(&o.name, "name", "", "the name of this process among others (default: the host's name, and some letters)")
	f.StringVar(&o.cacheDir, "cache-dir", "", "where compiled modules are kept (default: graflow-wasm in the user's cache directory)")
	o.secrets.addTo(f)
	o.policy.addTo(f, boundsOfNode)
	o.docker.addTo(f, policyOfNode)
	o.telemetry.addTo(f)
}

// concurrencyHere is how many tasks run at once where nobody says.
func concurrencyHere() int { return max(8, 2*runtime.GOMAXPROCS(0)) }

// check reads what the flags say, before anything is begun.
func (o *nodeFlags) check() error {
	if o.concurrency < 0 {
		return usagef("--concurrency %d: want 1 or more", o.concurrency)
	}
	o.concurrency = cmp.Or(o.concurrency, concurrencyHere())
	if o.drain < 0 {
		return usagef("--drain %s: want 0s or more", o.drain)
	}
	if o.keep < 0 {
		return usagef("--keep %s: want 0s, which is for ever, or more", o.keep)
	}
	if slices.Contains(o.queues, "") {
		return usagef("--queues %q: one of the names is empty", strings.Join(o.queues, ","))
	}
	o.offers = map[string]string{}
	for _, text := range o.labels {
		key, value, ok := strings.Cut(text, "=")
		if !ok || key == "" {
			return usagef("--labels %q: want NAME=VALUE, as gpu=1", text)
		}
		if was, twice := o.offers[key]; twice && was != value {
			return usagef("--labels: %s is %q and %q; a process has one of them", key, was, value)
		}
		o.offers[key] = value
	}
	o.name = cmp.Or(o.name, nodeName())
	if err := o.docker.read(); err != nil {
		return err
	}
	var err error
	if o.within, err = o.policy.read(policy.Node(), &o.docker); err != nil {
		return err
	}
	if err := o.telemetry.open(o.name, o.health); err != nil {
		return err
	}
	o.store, err = o.secrets.store()
	return err
}

// nodeName is a name that no other process has.
func nodeName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "node"
	}
	return host + "-" + strings.ToLower(rand.Text()[:6])
}

// bus is how the process connects.
func (o *nodeFlags) bus() natsbus.Config {
	return natsbus.Config{Node: o.name, Queues: o.queues, Labels: o.offers, Published: o.telemetry.tel.Published}
}

// queueNames are the queues that tasks are taken from.
func (o *nodeFlags) queueNames() []string {
	if len(o.queues) == 0 {
		return []string{"default"}
	}
	return o.queues
}

// retention is for how long runs are kept.
func (o *nodeFlags) retention() natsbus.Retention {
	if o.keep == 0 {
		return natsbus.Retention{Keep: -1}
	}
	return natsbus.Retention{Keep: o.keep}
}

// labelText is labels as they are given.
func labelText(labels map[string]string) string {
	var all []string
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		all = append(all, key+"="+labels[key])
	}
	return strings.Join(all, ",")
}
