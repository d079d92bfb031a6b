package statedir_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/statedir"
)

const (
	childEnv     = "STATEDIR_CHILD"
	childSyncEnv = "STATEDIR_CHILD_SYNC"
	workers      = 3
)

// Runs of the child: of one it keeps all, one it trims, one it forgets again and
// again; of one there is only the channel, which it forgets.
const (
	kept      = "kept"
	trimmed   = "trimmed/π"
	forgotten = "forgotten"
	emptied   = "emptied"
)

var crashConfig = statedir.Config{SegmentSize: 3000, OpenRuns: 2}

// fill is the value of a chain's nth event: its size goes up and down.
func fill(chain string, n int) json.RawMessage {
	return json.RawMessage(strconv.Quote(chain + strings.Repeat("<x>", n*37%300) + strconv.Itoa(n)))
}

func nth(chain string, n int) *engine.Event {
	return &engine.Event{Type: engine.EventFailed, Activation: chain, Attempt: n, Value: fill(chain, n)}
}

// child stores until it is killed, and says what has been stored, each in a
// line: the kind, the run or key, the chain, and a number or digest.
func child(dir string) {
	c := crashConfig
	c.Sync = map[string]statedir.Sync{"interval": statedir.SyncInterval, "never": statedir.SyncNever}[os.Getenv(childSyncEnv)]
	d, err := statedir.Open(dir, c)
	if err != nil {
		fail(err)
	}
	var all sync.WaitGroup
	for i := range workers {
		all.Go(func() { childWorker(d.Backend(), i) })
	}
	all.Wait()
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func say(format string, args ...any) {
	if _, err := fmt.Fprintf(os.Stdout, format+"\n", args...); err != nil { // one write: whole or not at all
		os.Exit(0)
	}
}

// progress is the sequence of each worker's last event in the trimmed run.
var progress [workers]atomic.Uint64

func childWorker(b *engine.Backend, worker int) {
	ctx := context.Background()
	chain := fmt.Sprintf("c%d", worker)
	last := map[string]uint64{}
	count := map[string]int{}
	for _, run := range []string{kept, trimmed} {
		events, err := statedir.ReadAll(ctx, b.Journal, run, 0)
		if err != nil {
			fail(err)
		}
		if last[run], err = b.Journal.Last(ctx, run, chain); err != nil {
			fail(err)
		}
		for _, e := range events {
			if e.Activation == chain {
				count[run] = e.Attempt
			}
		}
	}
	progress[worker].Store(last[trimmed])
	for i := 0; ; i++ {
		run := []string{kept, trimmed}[i%2]
		n := count[run] + 1
		seq, err := b.Journal.Append(ctx, run, chain, last[run], nth(chain, n))
		if err != nil {
			fail(err)
		}
		last[run], count[run] = seq, n
		if run == trimmed {
			progress[worker].Store(seq)
		}
		say("event %s %s %d", run, chain, n)
		if err := childExtras(ctx, b, chain, worker == 0, i, last[trimmed]); err != nil {
			fail(err)
		}
	}
}

// childExtras does what is not appending.
func childExtras(ctx context.Context, b *engine.Backend, chain string, first bool, i int, seq uint64) error {
	switch {
	case i%4 == 1:
		v, err := b.Channel.Do(ctx, kept, engine.ChannelOp{Op: engine.OpAdd, Key: chain, Value: json.RawMessage("1")})
		if err == nil {
			say("channel %s %s %s", kept, chain, v)
			err = childKeys(ctx, b.Channel, chain, string(v))
		}
		return err
	case i%16 == 3:
		through := seq
		for i := range progress { // a chain's last event stays: its number is read from it
			through = min(through, progress[i].Load())
		}
		return b.Journal.Trim(ctx, trimmed, max(through, 1)-1)
	case i%16 == 7:
		digest, _, err := b.Blobs.Put(ctx, kept, bytes.NewReader(fill(chain, i)))
		if err == nil {
			say("blob %s %s %s", kept, chain, digest)
		}
		return err
	case first && i%16 == 10:
		if err := b.Journal.Forget(ctx, forgotten); err != nil {
			return err
		}
		for at := range uint64(3) {
			if _, err := b.Journal.Append(ctx, forgotten, chain, at, nth(chain, int(at)+1)); err != nil {
				return err
			}
		}
	case first && i%16 == 12:
		if err := b.Channel.Forget(ctx, emptied); err != nil {
			return err
		}
		for _, key := range []string{"x", "y", "x"} {
			if _, err := b.Channel.Do(ctx, emptied, engine.ChannelOp{Op: engine.OpAppend, Key: key, Value: json.RawMessage("1")}); err != nil {
				return err
			}
		}
	}
	return nil
}

// childKeys changes a worker's other keys, to or from n.
func childKeys(ctx context.Context, c engine.Channel, chain, n string) error {
	if err := c.Set(ctx, kept, "ttl-"+chain, json.RawMessage(n), time.Hour); err != nil {
		return err
	}
	say("ttl %s %s %s", kept, chain, n)
	list, err := c.Do(ctx, kept, engine.ChannelOp{Op: engine.OpAppend, Key: "list-" + chain, Value: json.RawMessage("1")})
	if err != nil {
		return err
	}
	say("list %s %s %d", kept, chain, strings.Count(string(list), "1"))
	if err := c.Set(ctx, kept, "gone-"+chain, json.RawMessage(n), 0); err != nil {
		return err
	}
	if err := c.Expire(ctx, kept, "gone-"+chain, 2*time.Hour); err != nil {
		return err
	}
	if _, err := c.Do(ctx, kept, engine.ChannelOp{Op: engine.OpDelete, Key: "gone-" + chain}); err != nil {
		return err
	}
	say("gone %s %s %s", kept, chain, n)
	return nil
}
