package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/graflow/graflow-wasm/handlers/docker"
	"github.com/graflow/graflow-wasm/internal/policy"
	"github.com/spf13/pflag"
)

// policyVariable names the policy's file where no flag does.
const policyVariable = "GRAFLOW_POLICY"

// policyFlags say what may be run here and what that may have.
type policyFlags struct {
	file       string
	isolation  *choice // nil: the policy alone says
	quarantine quarantineFlags
	flags      *pflag.FlagSet
}

// Who may what, where no policy says.
const (
	boundsOfOperator = "what is run may have what you grant it"
	boundsOfNode     = "tasks get no directory of this machine and no network but the internet"
)

// addTo adds the flags. byDefault is what holds without a policy.
func (p *policyFlags) addTo(f *pflag.FlagSet, byDefault string) {
	p.flags = f
	f.StringVar(&p.file, "policy", "", "what may be run here, and what tasks may have at most, a `FILE` in YAML (default: $"+policyVariable+", else "+byDefault+")")
	p.quarantine.addTo(f)
}

// addIsolationTo adds the flag of those who may ask for more than the policy.
func (p *policyFlags) addIsolationTo(f *pflag.FlagSet) {
	p.isolation = &choice{of: []string{string(policy.Unsigned), string(policy.Process)}}
	f.Var(p.isolation, "isolation", "which modules run in processes of their own: unsigned is those that no key of --policy signed, process all (default: what the policy says, else none)")
}

// given tells whether one of the flags was.
func (p *policyFlags) given() bool {
	return p.flags != nil && (p.flags.Changed("policy") || p.isolation != nil && p.flags.Changed("isolation") || p.flags.Changed("quarantine-file"))
}

// read is the policy of a file, if there is one, else byDefault; with more isolation
// if that is asked for. Its section for containers becomes the policy of those.
func (p *policyFlags) read(byDefault *policy.Policy, containers *dockerFlags) (*policy.Policy, error) {
	name, from := p.file, "--policy"
	if p.flags == nil || !p.flags.Changed("policy") {
		name, from = os.Getenv(policyVariable), "$"+policyVariable
	}
	in := byDefault
	if name != "" {
		var err error
		if in, err = readPolicy(name); err != nil {
			return nil, usagef("%s: %w", from, err)
		}
	}
	if p.isolation != nil && p.isolation.value != "" {
		in = in.Isolated(policy.Isolation(p.isolation.value))
	}
	if in.Docker == nil || containers == nil {
		return in, nil
	}
	if containers.policy != nil {
		return nil, usagef("%s has a section docker, and %s is another policy of containers; keep one of them", name, containers.from)
	}
	of, err := docker.ParsePolicy(in.Docker)
	if err != nil {
		return nil, usagef("%s: %w", name, err) // it was read before
	}
	containers.policy, containers.from = &of, name
	return in, nil
}

// readPolicy reads a file. Keys in it are relative to it.
func readPolicy(name string) (*policy.Policy, error) {
	text, err := readSmall(name)
	if err != nil {
		return nil, err
	}
	return policy.Parse(name, text, policy.Config{
		Key: func(key string) (policy.Key, error) {
			if !strings.HasPrefix(key, publicKeyPrefix) && !filepath.IsAbs(key) {
				key = filepath.Join(filepath.Dir(name), key)
			}
			k, err := readPublicKey(key)
			return policy.Key(k), err
		},
		Docker: func(section json.RawMessage) error {
			_, err := docker.ParsePolicy(section)
			return err
		},
	})
}

// sayPolicy tells who starts a node what bounds the tasks of others.
func sayPolicy(say io.Writer, p *policy.Policy) {
	if p.File == "" {
		fmt.Fprintf(say, "graflow-wasm: no --policy: %s; %s\n", boundsOfNode, isolationText(p))
		return
	}
	fmt.Fprintf(say, "graflow-wasm: policy %s: %s\n", p.File, isolationText(p))
}

// isolationText says which modules run in cells.
func isolationText(p *policy.Policy) string {
	switch p.Isolation {
	case policy.Process:
		return "every module runs in a process of its own"
	case policy.Unsigned:
		if len(p.Keys) == 0 {
			return "every module runs in a process of its own, as no key is trusted"
		}
		return fmt.Sprintf("modules that none of %s signed run in processes of their own", countOf(len(p.Keys), "trusted key", "trusted keys"))
	}
	return "all modules run in this process"
}

// quarantineFlags say where is kept what killed cells.
type quarantineFlags struct{ file string }

// quarantineVariable names the file where no flag does.
const quarantineVariable = "GRAFLOW_QUARANTINE_FILE"

func (q *quarantineFlags) addTo(f *pflag.FlagSet) {
	f.StringVar(&q.file, "quarantine-file", "", "the `FILE` with what is not run any more because it killed its processes (default: $"+quarantineVariable+", else graflow-wasm/quarantine.json in the user's configuration directory)")
}

// path is the file; "" where a user without a home has none.
func (q *quarantineFlags) path() string {
	if file := cmp.Or(q.file, os.Getenv(quarantineVariable)); file != "" {
		return file
	}
	dir, err := os.UserConfigDir()
	if err != nil {
		slog.Default().Warn("what kills processes is not kept", "err", err, "do", "give --quarantine-file FILE")
		return ""
	}
	return filepath.Join(dir, "graflow-wasm", "quarantine.json")
}
