package cases

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"
)

const orderVariable = "GRAFLOW_BENCH_CHILD"

// order is what a child does. It answers with lines of JSON, so that what it
// had done is known of one that hangs.
type order struct {
	What    string
	Host    string // what runs the guest
	Module  string // the file
	Program string // its export
	N       int
}

// The hosts that children run guests on.
const (
	hostOurs     = "ours"
	hostWazero   = "wazero"
	hostStops    = "wazero, CloseOnContextDone"
	hostWasmtime = "wasmtime-go"
	hostGo       = "goroutines of Go, for comparison"
)

var childWork = map[string]func(context.Context, order, *json.Encoder) error{
	"deadline": deadlineChild,
	"collect":  collectChild,
	"idle":     idleChild,
	"grow":     growChild,
}

// Child must be called first in main, after wasmhost.Child. In a child it does
// what was ordered and ends the process.
func Child() {
	text := os.Getenv(orderVariable)
	if text == "" {
		return
	}
	var o order
	err := os.Unsetenv(orderVariable) // our host starts children of its own
	if err == nil {
		err = json.Unmarshal([]byte(text), &o)
	}
	if err == nil {
		err = childWork[o.What](context.Background(), o, json.NewEncoder(os.Stdout))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// patience is how long a host may hang. Ours must not at all, so that it gets
// enough for a machine that is busy, and failing is an error.
func (b *Bench) patience(host string) time.Duration {
	if host == hostOurs {
		return b.Kill + time.Minute
	}
	return b.Kill
}

// errHung says that a child was killed.
var errHung = errors.New("hung, and was killed")

// child runs an order in a process of its own and hands on each line it
// answers. errHung: it did not end within the time.
func child(ctx context.Context, limit time.Duration, o order, line func(json.RawMessage) error) error {
	text, err := json.Marshal(o)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	bounded, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	c := exec.CommandContext(bounded, self)
	c.Env = append(os.Environ(), orderVariable+"="+string(text))
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	c.WaitDelay = time.Second
	err = c.Run()
	if bounded.Err() != nil && ctx.Err() == nil {
		err = errHung
	} else if err != nil {
		err = fmt.Errorf("%s on %s: %w\n%s", o.What, o.Host, err, errs.Bytes())
	}
	for lines := bufio.NewScanner(&out); lines.Scan(); {
		if json.Valid(lines.Bytes()) {
			if bad := line(lines.Bytes()); bad != nil {
				return bad
			}
		}
	}
	return err
}
