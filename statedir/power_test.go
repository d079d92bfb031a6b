package statedir

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

var errOff = errors.New("the power is off")

// powered is a file system that knows what a loss of power would leave: what was
// synced, and of the rest whatever it likes. After some operations it is off.
type powered struct {
	osFiles
	root string

	mu     sync.Mutex // guards what follows
	left   int        // operations until the power goes
	synced map[string]int64
	named  map[string]bool   // names that were synced with their directory
	before map[string][]byte // what a name held before a rename that is not synced
	moved  map[string][]byte // what a name held that was renamed to another, which is not synced
}

type poweredFile struct {
	file
	fs   *powered
	name string
}

// use counts one operation.
func (p *powered) use(f func() error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.left--; p.left < 0 {
		return errOff
	}
	return f()
}

func (p *powered) openAppend(name string) (f file, err error) {
	err = p.use(func() error { f, err = p.osFiles.openAppend(name); return err })
	return poweredFile{f, p, name}, err
}

func (p *powered) rename(from, to string) error {
	return p.use(func() error {
		if data, err := os.ReadFile(to); err == nil && p.named[to] {
			p.before[to] = data[:p.synced[to]]
		}
		if data, err := os.ReadFile(from); err == nil && p.named[from] {
			p.moved[from] = data[:p.synced[from]]
		}
		p.synced[to], p.named[to] = p.synced[from], false
		return p.osFiles.rename(from, to)
	})
}

func (p *powered) syncDir(name string) error {
	return p.use(func() error {
		entries, err := os.ReadDir(name)
		maps.DeleteFunc(p.moved, func(moved string, _ []byte) bool { return filepath.Dir(moved) == name })
		for _, e := range entries {
			p.named[filepath.Join(name, e.Name())] = true
			delete(p.before, filepath.Join(name, e.Name()))
		}
		return err
	})
}

func (f poweredFile) Write(b []byte) (n int, err error) {
	err = f.fs.use(func() error { n, err = f.file.Write(b); return err })
	return n, err
}

func (f poweredFile) Sync() error {
	return f.fs.use(func() error {
		info, err := os.Stat(f.name)
		if err == nil {
			f.fs.synced[f.name] = info.Size()
		}
		return err
	})
}

// leave copies what a loss of power leaves to another directory.
func (p *powered) leave(t *testing.T, to string, random *rand.Rand) {
	t.Helper()
	err := filepath.WalkDir(p.root, func(name string, e fs.DirEntry, err error) error {
		target := filepath.Join(to, strings.TrimPrefix(name, p.root))
		switch {
		case err != nil || name == p.root:
			return err
		case e.IsDir() && !p.named[name]:
			return fs.SkipDir
		case e.IsDir():
			return os.MkdirAll(target, 0o700)
		case e.Name() == "lock" || filepath.Base(filepath.Dir(name)) == "tmp":
			return nil
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		data = p.surviving(name, data, random)
		if data == nil {
			return nil
		}
		return os.WriteFile(target, data, 0o600)
	})
	for name, data := range p.moved {
		if target := filepath.Join(to, strings.TrimPrefix(name, p.root)); err == nil && random.IntN(2) == 0 {
			if _, statErr := os.Stat(filepath.Dir(target)); statErr == nil {
				err = os.WriteFile(target, data, 0o600)
			}
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (p *powered) surviving(name string, data []byte, random *rand.Rand) []byte {
	if !p.named[name] && random.IntN(2) == 0 {
		return p.before[name] // nil: there was none
	}
	synced := int(p.synced[name])
	data = data[:synced+random.IntN(len(data)-synced+1)]
	for i := synced; i < len(data); i++ {
		if data[i] = byte(int(data[i]) * random.IntN(2)); random.IntN(40) == 0 {
			i += random.IntN(200) // some parts made it
		}
	}
	return data
}

// deed is what was reported as stored.
type deed struct {
	mu     sync.Mutex // guards what follows
	events map[string]int
	adds   int
	blobs  []string
	// expires is what the key that expires was set to.
	expires   int
	forgotten bool // the last that was done to the channel that is alone
}

// TestPowerLoss cuts the power between any two operations on files. With
// SyncAlways all that was reported is there; with SyncInterval what is there is a
// beginning of it, and no damage.
func TestPowerLoss(t *testing.T) {
	t.Parallel()
	seeds := uint64(150)
	if testing.Short() {
		seeds = 40
	}
	for seed := range seeds {
		random := rand.New(rand.NewPCG(seed, 0))
		c := Config{SegmentSize: 700, Sync: SyncAlways, SyncInterval: time.Hour}
		if seed%3 == 0 {
			c.Sync = SyncInterval
		}
		root := t.TempDir()
		p := &powered{root: root, left: random.IntN(400), synced: map[string]int64{}, named: map[string]bool{}, before: map[string][]byte{}, moved: map[string][]byte{}}
		did := &deed{events: map[string]int{}}
		if d, err := open(root, c, p); err == nil {
			store(t, d, did)
			image := t.TempDir()
			p.leave(t, image, random)
			d.Close()
			d = mustOpen(t, image, Config{SegmentSize: 700}, osFiles{})
			look(t, d, c.Sync, did)
			d.Close()
		} else if !errors.Is(err, errOff) {
			t.Fatal(err)
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// TestPowerLossAfterKill: what a process has written and not synced, the next one
// builds on only when it is synced.
func TestPowerLossAfterKill(t *testing.T) {
	t.Parallel()
	for seed := range uint64(30) {
		root := t.TempDir()
		p := &powered{root: root, left: 1 << 30, synced: map[string]int64{}, named: map[string]bool{}, before: map[string][]byte{}, moved: map[string][]byte{}}
		did := &deed{events: map[string]int{"c0": 0}}
		for i, s := range []Sync{SyncNever, SyncAlways} {
			d := mustOpen(t, root, Config{Sync: s}, p)
			if seed%2 == 1 && s == SyncAlways { // it only looks
				look(t, d, SyncAlways, did)
				d.Close()
				break
			}
			for n := 4*i + 1; n <= 4*i+4; n++ {
				if _, err := d.Backend().Journal.Append(t.Context(), "r", "c0", uint64(n-1), &engine.Event{Type: engine.EventFailed, Activation: "c0", Attempt: n}); err != nil {
					t.Fatal(err)
				}
				if _, err := d.Backend().Channel.Do(t.Context(), "r", engine.ChannelOp{Op: engine.OpAdd, Key: "n", Value: json.RawMessage("1")}); err != nil {
					t.Fatal(err)
				}
				did.events["c0"], did.adds = n, n
			}
			d.Close()
		}
		image := t.TempDir()
		p.leave(t, image, rand.New(rand.NewPCG(seed, 0)))
		d := mustOpen(t, image, Config{}, osFiles{})
		look(t, d, SyncAlways, did)
		d.Close()
	}
}

// store works until the power goes.
func store(t *testing.T, d *Dir, did *deed) {
	t.Helper()
	b := d.Backend()
	var all sync.WaitGroup
	for w := range 3 {
		all.Go(func() {
			chain := fmt.Sprint("c", w)
			last := uint64(0)
			for n := 1; n < 200; n++ {
				seq, err := b.Journal.Append(t.Context(), "r", chain, last, &engine.Event{Type: engine.EventFailed, Activation: chain, Attempt: n})
				if err != nil {
					return
				}
				last = seq
				did.mu.Lock()
				did.events[chain] = n
				did.mu.Unlock()
				if w == 0 && n%3 == 0 && !more(t, b, did, n) {
					return
				}
			}
		})
	}
	all.Wait()
}

func more(t *testing.T, b *engine.Backend, did *deed, n int) bool {
	t.Helper()
	digest, _, putErr := b.Blobs.Put(t.Context(), "r", strings.NewReader(fmt.Sprint("blob", n)))
	_, doErr := b.Channel.Do(t.Context(), "r", engine.ChannelOp{Op: engine.OpAdd, Key: "n", Value: json.RawMessage("1")})
	if putErr == nil {
		did.blobs = append(did.blobs, digest)
	}
	if err := b.Channel.Set(t.Context(), "r", "expires", json.RawMessage(fmt.Sprint(n)), time.Hour); err == nil {
		did.expires = n
	}
	if n%9 == 0 { // of a channel alone
		did.forgotten = false
		_, _ = b.Channel.Do(t.Context(), "alone", engine.ChannelOp{Op: engine.OpAppend, Key: "l", Value: json.RawMessage("1")})
		did.forgotten = b.Channel.Forget(t.Context(), "alone") == nil
	}
	if doErr == nil {
		did.adds++
	}
	return putErr == nil && doErr == nil
}

// look compares what is left with what was reported.
func look(t *testing.T, d *Dir, s Sync, did *deed) {
	t.Helper()
	events, err := ReadAll(t.Context(), d.Backend().Journal, "r", 0)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for i, e := range events {
		if e.Seq != uint64(i+1) || e.Attempt != got[e.Activation]+1 {
			t.Errorf("event %d is %d, %s %d after %d", i, e.Seq, e.Activation, e.Attempt, got[e.Activation])
		}
		got[e.Activation] = e.Attempt
	}
	for chain, want := range did.events {
		if n := got[chain]; n > want+1 || s == SyncAlways && n < want {
			t.Errorf("%s has %d events, %d were reported", chain, n, want)
		}
	}
	v, _ := d.Backend().Channel.Get(t.Context(), "r", "n")
	n := 0
	_ = json.Unmarshal(v, &n)
	if n > did.adds+1 || s == SyncAlways && n < did.adds {
		t.Errorf("the channel has counted %d, %d were reported", n, did.adds)
	}
	lookMore(t, d, s, did)
	for _, digest := range did.blobs {
		r, err := d.Backend().Blobs.Open(t.Context(), "r", digest)
		if err != nil {
			t.Error(err)
			continue
		}
		r.Close()
	}
}

func lookMore(t *testing.T, d *Dir, s Sync, did *deed) {
	t.Helper()
	c := d.Backend().Channel
	v, _ := c.Get(t.Context(), "r", "expires")
	n := 0
	_ = json.Unmarshal(v, &n)
	if s == SyncAlways && n < did.expires {
		t.Errorf("the key that expires holds %d, %d was reported", n, did.expires)
	}
	if left, err := c.TTL(t.Context(), "r", "expires"); n > 0 && (err != nil || left == 0) {
		t.Errorf("the key that expires has %s left, %v", left, err)
	}
	if v, err := c.Get(t.Context(), "alone", "l"); err == nil && (string(v) != "[1]" || s == SyncAlways && did.forgotten) {
		t.Errorf("a channel that was forgotten each time holds %s", v)
	}
}
