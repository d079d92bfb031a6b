package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"

	"github.com/graflow/graflow-wasm/internal/secrets"
	"github.com/spf13/cobra"
)

// driveFlags are those of every command that drives a run to its end.
type driveFlags struct {
	place       placeFlags
	concurrency int
	answers     []string
	wait        bool
	detach      bool
	format      *choice
	raw         bool
	quiet       bool
	cacheDir    string
	secrets     secretFlags
	docker      dockerFlags
	policy      policyFlags
	filesDir    string // "": files of tasks are not saved
	flowDir     string // of the flow that is run; "": the working directory
	receipt     receiptFlags

	store  secrets.Store              // what secrets opens
	bounds *bounds                    // what policy says
	ahead  map[string]json.RawMessage // what answers say, by pause
}

// addTo adds all but the state's flags.
func (o *driveFlags) addTo(cmd *cobra.Command) {
	f := cmd.Flags()
	f.SortFlags = false
	o.place.state.addSync(f)
	f.StringArrayVar(&o.answers, "answer", nil, "answer a pause in advance, as `NAME=JSON` (repeatable)")
	f.BoolVar(&o.detach, "detach", false, "with --nats or --server: print the run's id and leave it to the cluster")
	f.BoolVar(&o.wait, "wait", false, "with --state, --nats or --server: stay while the run is paused, until it was answered from elsewhere")
	f.IntVar(&o.concurrency, "concurrency", 0, fmt.Sprintf("tasks that run at once; 1 is strictly first in, first out (default: the engine's, here on %d CPUs)", runtime.NumCPU()))
	o.format = outputFlag(cmd, "text", "json", "events")
	f.StringVar(&o.filesDir, "files", "", "save the files that tasks have left below a `DIR`, as TASK/NAME")
	f.BoolVar(&o.raw, "raw", false, "print an output that is a string without quotes")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "no progress, only errors")
	f.StringVar(&o.cacheDir, "cache-dir", "", "where compiled modules are kept (default: graflow-wasm in the user's cache directory)")
	o.secrets.addTo(f)
	o.policy.addTo(f, boundsOfOperator)
	o.policy.addIsolationTo(f)
	o.docker.addTo(f, policyOfOperator)
}

// check reads what the flags say, before anything is begun.
func (o *driveFlags) check() error {
	if err := errors.Join(o.place.check(), o.checkDetach(), o.checkFar()); err != nil {
		return err
	}
	if o.concurrency < 0 {
		return usagef("--concurrency %d: want 1 or more", o.concurrency)
	}
	if err := checkFilesDir("--files", o.filesDir); o.filesDir != "" && err != nil {
		return err
	}
	o.ahead = map[string]json.RawMessage{}
	for _, text := range o.answers {
		name, value, ok := strings.Cut(text, "=")
		if !ok || name == "" {
			return usagef("--answer %q: want NAME=JSON, as approve=true", text)
		}
		if err := checkJSON([]byte(value)); err != nil {
			return usagef(`--answer %q: %w; text needs quotes, as in '%s="text"'`, text, err, name)
		}
		if _, twice := o.ahead[name]; twice {
			return usagef("--answer %q: there is another answer to %s; give one", text, name)
		}
		o.ahead[name] = json.RawMessage(value)
	}
	if o.place.isFar() {
		return nil // they are the workers'
	}
	if err := o.docker.read(); err != nil {
		return err
	}
	var err error
	if o.bounds, err = o.policy.own(&o.docker); err != nil {
		return err
	}
	o.store, err = o.secrets.store()
	return err
}

// checkFar refuses what is for those to say who execute tasks.
func (o *driveFlags) checkFar() error {
	switch {
	case !o.place.isFar():
		return nil
	case o.concurrency != 0:
		return usagef("--concurrency: on a cluster each worker has its own: `graflow-wasm worker --concurrency N`")
	case o.secrets.given():
		return usagef("--secrets-file, --identity: on a cluster secrets are those of the workers: `graflow-wasm worker --secrets-file FILE`")
	case o.policy.given():
		return usagef("--policy, --isolation, --quarantine-file: on a cluster they are the workers': `graflow-wasm worker --policy FILE`; a flow asks for more itself, with isolation: process")
	case o.docker.given():
		return usagef("--docker-policy, --docker-scratch: on a cluster they are the workers': `graflow-wasm worker --docker-policy FILE`")
	}
	return nil
}
