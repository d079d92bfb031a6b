package policy_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/graflow/graflow-wasm/internal/policy"
)

const eve = "eve-----------------------------"

// signed answers who signed what.
type signed struct {
	by    map[string][]policy.Key
	err   error
	asked int
}

func (s *signed) Signers(_ context.Context, digest string) ([]policy.Key, error) {
	s.asked++
	return s.by[digest], s.err
}

func TestWall(t *testing.T) {
	t.Parallel()
	by := map[string][]policy.Key{"good": {policy.Key(eve), policy.Key(ada)}, "eves": {policy.Key(eve)}}
	for name, c := range map[string]struct {
		policy  string
		isolate map[string]bool
		tenants map[string]string
	}{
		"nothing is trusted": {"{}", map[string]bool{"good": true, "eves": true, "none": true, "own": false}, map[string]string{"good": ""}},
		"ada is": {
			"trusted_keys: [" + ada + "]",
			map[string]bool{"good": false, "eves": true, "none": true, "own": false},
			map[string]string{"good": "", "none": ""},
		},
		"all": {
			"{isolation: process, tenants: publisher, trusted_keys: [" + ada + "]}",
			map[string]bool{"good": true, "eves": true, "own": true},
			map[string]string{"good": policy.Key(ada).String(), "eves": "", "own": ""},
		},
		"none": {"isolation: inproc", map[string]bool{"good": false, "eves": false, "own": false}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := policy.Parse("p.yaml", []byte(c.policy), config)
			if err != nil {
				t.Fatal(err)
			}
			s := &signed{by: by}
			w := policy.NewWall(p, s.Signers, nil)
			w.Own("own")
			for digest, want := range c.isolate {
				if got := w.Isolate(digest); got != want {
					t.Errorf("isolate %s: got %t", digest, got)
				}
			}
			for digest, want := range c.tenants {
				if got := w.Tenant(digest); got != want {
					t.Errorf("tenant %s: got %q, want %q", digest, got, want)
				}
			}
		})
	}
}

// TestWallAsksAgain signs a module after it was asked for, and takes the registry away.
func TestWallAsksAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, err := policy.Parse("p.yaml", []byte("trusted_keys: ["+ada+"]"), config)
		if err != nil {
			t.Fatal(err)
		}
		s := &signed{by: map[string][]policy.Key{}, err: errors.New("unreachable")}
		w := policy.NewWall(p, s.Signers, nil)
		if !w.Isolate("m") {
			t.Error("a module of which nothing is known is trusted")
		}
		s.err = nil
		for range 2 {
			if !w.Isolate("m") {
				t.Error("an unsigned module is trusted")
			}
		}
		if s.asked != 2 {
			t.Errorf("asked %d times, want 2: an error is not kept, an answer is", s.asked)
		}
		s.by["m"] = []policy.Key{policy.Key(ada)}
		time.Sleep(11 * time.Second) // on a synthetic clock
		if w.Isolate("m") {
			t.Error("it was signed since, and is not trusted")
		}
		s.err = errors.New("unreachable")
		time.Sleep(time.Hour)
		if w.Isolate("m") {
			t.Error("a signature that was seen is forgotten")
		}
	})
}
