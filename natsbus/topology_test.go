package natsbus

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/graflow/graflow-wasm/natsbus/embedded"
)

// aloneBus is a bus on a server that nobody else uses.
func aloneBus(tb testing.TB) *Bus {
	tb.Helper()
	s, err := embedded.Start(tb.Context(), embedded.Config{Dir: tb.TempDir()})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(s.Shutdown)
	b, err := Open(tb.Context(), Config{Connect: s.Connect})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(b.Close)
	return b
}

func wantDrift(tb testing.TB, b *Bus, want ...string) {
	tb.Helper()
	got, err := b.Drift(tb.Context())
	if err != nil || !slices.Equal(got, want) {
		tb.Errorf("drift:\n%s\n%v; want\n%s", strings.Join(got, "\n"), err, strings.Join(want, "\n"))
	}
}

// Setup is done by all processes at once, and again; what it made is as it should be.
func TestSetup(t *testing.T) {
	t.Parallel()
	b := aloneBus(t)
	if got, err := b.Drift(t.Context()); err != nil || len(got) != len(b.streams()) || got[0] != "stream GF_RUN is missing" {
		t.Errorf("drift before: %q, %v", got, err)
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if err := b.Setup(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	wantDrift(t, b)
}

// What an operator changed is told, and left as it is.
func TestSetupKeepsWhatWasChanged(t *testing.T) {
	t.Parallel()
	b := aloneBus(t)
	if err := b.Setup(t.Context()); err != nil {
		t.Fatal(err)
	}
	changed := runsStream(b.cfg)
	changed.MaxBytes = 1 << 30
	changed.AllowRollup = true
	changed.Metadata = map[string]string{metaVersion: "1", "team": "a"}
	if _, err := b.js.UpdateStream(t.Context(), changed); err != nil {
		t.Fatal(err)
	}
	if err := b.Setup(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantDrift(t, b,
		"stream GF_RUN: allow_rollup_hdrs is true, would be not set",
		"stream GF_RUN: max_bytes is 1073741824, would be not set")
}

// A stream of an older version is brought up to date; one of a newer version, or
// another's, is not touched.
func TestSetupVersions(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]string{
		"0": "", "7": "made by a newer version", "x": "want a number", "": "another's stream",
	} {
		b := aloneBus(t)
		old := jetstream.StreamConfig{Name: streamRuns, Subjects: []string{"gf.run.>"}}
		if version != "" {
			old.Metadata = map[string]string{metaVersion: version}
		}
		if _, err := b.js.CreateStream(t.Context(), old); err != nil {
			t.Fatal(err)
		}
		err := b.Setup(t.Context())
		if want == "" {
			if err != nil {
				t.Error(err)
			}
			wantDrift(t, b)
			continue
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("version %q: %v, want one that says %q", version, err, want)
		}
	}
}
