package wasmhost_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/wasmhost"
)

var buildSession = sync.OnceValues(func() ([]byte, error) { return build("session", "-buildmode=c-shared") })

// said is what the session guest answers.
type said struct {
	Count int            `json:"count"`
	Text  string         `json:"text"`
	Words map[string]int `json:"words"`
	Drawn uint64         `json:"drawn"`
}

// session says lines to a guest, each beginning with what the one before has left.
type session struct {
	tb    testing.TB
	m     *wasmhost.Module
	opt   wasmhost.Options
	image *wasmhost.Image
}

func (s *session) say(line string) said {
	s.tb.Helper()
	opt := s.opt
	opt.From, opt.Keep = s.image, true
	input, _ := json.Marshal(line)
	r, err := s.m.Call(s.tb.Context(), "say", input, opt)
	if err != nil {
		s.tb.Fatal(err)
	}
	if r.Image == nil {
		s.tb.Fatalf("got no image: %q", r.NoImage)
	}
	s.image = r.Image
	var answer said
	if err := json.Unmarshal(r.Output, &answer); err != nil {
		s.tb.Fatal(err)
	}
	return answer
}

func reproducible() wasmhost.Options {
	opt := options()
	opt.Reproducible = true
	return opt
}

// ways are hosts that know dirty pages, hosts that don't, and hosts that keep no
// sandbox.
func ways() map[string]wasmhost.Config {
	quiet := slog.New(slog.DiscardHandler) // of what can't be reset
	return map[string]wasmhost.Config{
		"mapped":   {Logger: quiet},
		"portable": {Portable: true, Logger: quiet},
		"fresh":    {IdleBytes: -1, Logger: quiet},
	}
}

// TestImageGoesOn has state survive calls, and only those that ask for it.
func TestImageGoesOn(t *testing.T) {
	t.Parallel()
	for name, config := range ways() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := session{tb: t, m: hostWith(t, config, guestBytes(t, buildSession)), opt: options()}
			var lines []string
			for i := range 30 {
				lines = append(lines, fmt.Sprint("line ", i))
				got := s.say(lines[i])
				if want := strings.Join(lines, " / "); got.Count != i+1 || got.Text != want || got.Words["line"] != i+1 {
					t.Fatalf("got %+v, want %q", got, want)
				}
				other := session{tb: t, m: s.m, opt: s.opt}
				if got := other.say("alone"); got.Count != 1 || got.Text != "alone" || len(got.Words) != 1 {
					t.Fatalf("a call without an image: got %+v", got)
				}
			}
			if s.image.Size() > 1<<20 || s.image.Pages() == 0 || s.image.Memory() < 1<<20 || s.image.Module() != s.m.Digest() {
				t.Errorf("got an image of %d bytes, %d pages, %d bytes of memory, of module %s",
					s.image.Size(), s.image.Pages(), s.image.Memory(), s.image.Module())
			}
		})
	}
}

// TestImageForks begins many calls with one image at once.
func TestImageForks(t *testing.T) {
	t.Parallel()
	for name, config := range ways() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			trunk := session{tb: t, m: hostWith(t, config, guestBytes(t, buildSession)), opt: options()}
			trunk.say("trunk")
			var all sync.WaitGroup
			for i := range 8 {
				all.Go(func() {
					branch := trunk
					for n := range 5 {
						got := branch.say(fmt.Sprint(i))
						want := "trunk" + strings.Repeat(fmt.Sprint(" / ", i), n+1)
						if got.Text != want || len(got.Words) != 2 {
							t.Errorf("branch %d: got %+v, want %q", i, got, want)
						}
					}
				})
			}
			all.Wait()
			if got := trunk.say("on"); got.Text != "trunk / on" {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// TestImageAfterFailure looks at what there is to go on from after every end that a
// call may have.
func TestImageAfterFailure(t *testing.T) {
	t.Parallel()
	for name, config := range ways() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := session{tb: t, m: hostWith(t, config, guestBytes(t, buildSession)), opt: options()}
			s.say("a")
			for _, c := range []struct {
				export, kind, input string
				limits              wasmhost.Limits
				why                 string
			}{
				{"fails", wasmhost.KindError, `"b"`, wasmhost.Limits{}, ""},
				{"panics", wasmhost.KindTrap, `"b"`, wasmhost.Limits{}, "the guest was ended before it returned"},
				{"exits", wasmhost.KindExit, ``, wasmhost.Limits{}, "the guest has exited"},
				{"say", wasmhost.KindFuel, `"b"`, wasmhost.Limits{Fuel: 1000}, "the guest was ended before it returned"},
				{"grow", wasmhost.KindMemory, `100000000`, wasmhost.Limits{Memory: 32 << 20}, "the guest was ended before it returned"},
			} {
				opt := s.opt
				opt.From, opt.Keep, opt.Limits = s.image, true, c.limits
				r, err := s.m.Call(t.Context(), c.export, []byte(c.input), opt)
				var e *wasmhost.TrapError
				if !errors.As(err, &e) || e.Kind != c.kind {
					t.Errorf("%s: got %v, want kind %s", c.export, err, c.kind)
				}
				if (r.Image == nil) != (c.why != "") || r.NoImage != c.why {
					t.Errorf("%s: got an image %t, reason %q, want %q", c.export, r.Image != nil, r.NoImage, c.why)
				}
				if r.Image != nil {
					then := session{tb: t, m: s.m, opt: s.opt, image: r.Image}
					if got := then.say("c"); got.Text != "a / b / c" {
						t.Errorf("after %s: got %+v", c.export, got)
					}
				}
				then := s
				if got := then.say("c"); got.Text != "a / c" {
					t.Errorf("beside %s: got %+v", c.export, got)
				}
			}
		})
	}
}

// TestImageLimits holds a call to its own limits, whatever its image has.
func TestImageLimits(t *testing.T) {
	t.Parallel()
	for name, config := range ways() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := hostWith(t, config, guestBytes(t, buildSession))
			opt := options()
			opt.Keep = true
			r := call(t, m, "grow", `30000000`, opt)
			if r.Image.Memory() < 30e6 || r.Image.Size() < 29e6 || r.Image.Size() > 32e6 {
				t.Errorf("got an image of %d bytes, of %d bytes of memory", r.Image.Size(), r.Image.Memory())
			}
			opt.KeepBytes = 10 << 20
			if r := call(t, m, "grow", `30000000`, opt); r.Image != nil || r.NoImage != "the guest has changed more than 10485760 bytes" {
				t.Errorf("got an image %t, reason %q", r.Image != nil, r.NoImage)
			}
			opt.KeepBytes = 0
			opt.From = r.Image
			opt.Limits.Memory = r.Image.Memory() - 1<<16
			e := trap(t, m, "say", `"a"`, wasmhost.KindMemory, opt)
			if !errors.Is(e, wasmhost.ErrMemory) || !strings.Contains(e.Message, "its image needs") {
				t.Errorf("got %v", e)
			}
			opt.Limits.Memory = r.Image.Memory()
			if r := call(t, m, "say", `"a"`, opt); r.Ledger.PeakMemory != opt.Limits.Memory || r.Image.Size() < 29e6 {
				t.Errorf("got a peak of %d bytes, an image of %d", r.Ledger.PeakMemory, r.Image.Size())
			}
			opt.Limits.Memory = 1 << 20 // less than the snapshot has
			if e := trap(t, m, "say", `"a"`, wasmhost.KindMemory, opt); !errors.Is(e, wasmhost.ErrMemory) {
				t.Errorf("got %v", e)
			}
			hungry := hostWith(t, config, hungryModule())
			if e := trap(t, hungry, "f", "", wasmhost.KindMemory, opt); !strings.Contains(e.Message, "initialization needs more memory") {
				t.Errorf("got %v", e)
			}
		})
	}
}

// TestImagesTakeNoBudget calls again and again where memory suffices for two
// sandboxes and a snapshot.
func TestImagesTakeNoBudget(t *testing.T) {
	t.Parallel()
	for _, portable := range []bool{false, true} {
		m := hostWith(t, wasmhost.Config{Portable: portable, MemoryBytes: 50 << 20}, guestBytes(t, buildSession))
		grown := call(t, m, "grow", `20000000`, wasmhost.Options{Keep: true}).Image
		s := session{tb: t, m: m}
		for i := range 50 {
			if got := s.say("x"); got.Count != i+1 {
				t.Fatalf("got %+v", got)
			}
			if got := string(call(t, m, "grow", `1000`, wasmhost.Options{From: grown, Keep: true}).Output); got != "2" {
				t.Fatalf("got %s", got)
			}
			if _, err := m.Call(t.Context(), "grow", []byte("1"), wasmhost.Options{From: &wasmhost.Image{}}); !errors.Is(err, wasmhost.ErrImageMismatch) {
				t.Fatal(err)
			}
		}
		var all sync.WaitGroup
		for range 4 { // more than fit at once: some are refused, all others go on
			all.Go(func() {
				_, err := m.Call(t.Context(), "grow", []byte("100"), wasmhost.Options{From: grown})
				if err != nil && !errors.Is(err, wasmhost.ErrMemory) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if got := string(call(t, m, "grow", `1000`, wasmhost.Options{From: grown}).Output); got != "2" {
			t.Errorf("got %s", got)
		}
	}
}

// TestImageBeyondBudget begins with an image for which the host has no room: that
// takes none away.
func TestImageBeyondBudget(t *testing.T) {
	t.Parallel()
	wasm := guestBytes(t, buildSession)
	opt := reproducible()
	opt.Keep = true
	opt.From = call(t, hostWith(t, wasmhost.Config{}, wasm), "grow", `40000000`, opt).Image
	small := hostWith(t, wasmhost.Config{MemoryBytes: 30 << 20}, wasm)
	for range 10 {
		if e := trap(t, small, "say", `"a"`, wasmhost.KindMemory, opt); !strings.Contains(e.Message, "the host has no") {
			t.Errorf("got %v", e)
		}
	}
	s := session{tb: t, m: small, opt: reproducible()}
	if got := s.say("a"); got.Count != 1 {
		t.Errorf("got %+v", got)
	}
}

// TestImageOfTwoHosts has a guest initialized and called on machines that know dirty
// pages and ones that don't: everything about its images is the same.
func TestImageOfTwoHosts(t *testing.T) {
	t.Parallel()
	opt := deterministic()
	opt.Reproducible = true
	var first []byte
	for _, config := range []wasmhost.Config{{}, {Portable: true}} {
		s := session{tb: t, m: hostWith(t, config, guestBytes(t, buildSession)), opt: opt}
		s.say("a")
		s.say("b")
		data, err := s.image.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = data
		} else if string(data) != string(first) {
			t.Errorf("portable %t: got another image of %d bytes, not of %d", config.Portable, len(data), len(first))
		}
	}
}

// TestImageClock takes a session from a virtual clock to a real one and back: what
// has gone by never becomes less.
func TestImageClock(t *testing.T) {
	t.Parallel()
	m := hostWith(t, wasmhost.Config{}, guestBytes(t, buildSession))
	var image *wasmhost.Image
	var last struct{ Monotonic, Wall int64 }
	for i, kind := range []string{
		wasmhost.ClockReal, wasmhost.ClockVirtual, wasmhost.ClockReal, wasmhost.ClockCoarse, wasmhost.ClockVirtual,
	} {
		opt := reproducible()
		opt.Grants.Clock = kind
		opt.From, opt.Keep = image, true
		sleep := time.Duration(0)
		if kind == wasmhost.ClockVirtual {
			sleep = 3 * time.Hour
		}
		r := call(t, m, "clock", fmt.Sprint(int64(sleep)), opt)
		now := last
		if err := json.Unmarshal(r.Output, &now); err != nil {
			t.Fatal(err)
		}
		if now.Monotonic < last.Monotonic+int64(sleep) || now.Monotonic < 0 {
			t.Errorf("call %d, %s: %v after %v", i, kind, time.Duration(now.Monotonic), time.Duration(last.Monotonic))
		}
		if now.Wall < 0 {
			t.Errorf("call %d, %s: %v before it was initialized", i, kind, -time.Duration(now.Wall))
		}
		last, image = now, r.Image
	}
	if last.Monotonic < int64(6*time.Hour) || last.Monotonic > int64(7*time.Hour) {
		t.Errorf("got %v in all", time.Duration(last.Monotonic))
	}
}
