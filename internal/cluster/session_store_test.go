package cluster_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"testing"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/cluster"
	"github.com/graflow/graflow-wasm/internal/cluster/clustertest"
	"github.com/graflow/graflow-wasm/internal/ops"
)

// held takes a session, and gives it back when the test has ended.
func held(t *testing.T, c *cluster.Cluster, name string) *cluster.HeldSession {
	t.Helper()
	h, err := c.HoldSession(t.Context(), "ada", name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Release)
	return h
}

// TestSessionInUse lets one at a time use a session.
func TestSessionInUse(t *testing.T) {
	t.Parallel()
	all := sessionServers(t, cluster.SessionLimits{}, cluster.SessionLimits{})
	h, err := all[0].HoldSession(t.Context(), "ada", "a")
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range all {
		if _, err := cell(t, c, "ada", "a", "1"); !errors.Is(err, ops.ErrInUse) || ops.Status(err) != http.StatusConflict {
			t.Errorf("server %d runs code in a session that is in use: %v", i, err)
		}
		if err := c.Service().Sessions.Remove(t.Context(), "ada", "a"); !errors.Is(err, ops.ErrInUse) {
			t.Errorf("server %d removes a session that is in use: %v", i, err)
		}
	}
	wantCell(t, all[1], "bob", "a", "1", "1")
	h.Release()
	wantCell(t, all[1], "ada", "a", "1", "1")
}

// TestSessionStale keeps nothing of code whose lock another has got meanwhile.
func TestSessionStale(t *testing.T) {
	t.Parallel()
	all := sessionServers(t, cluster.SessionLimits{}, cluster.SessionLimits{})
	wantCell(t, all[0], "ada", "a", "var x = 1; x", "1")
	h := held(t, all[0], "a")
	if err := h.LoseLock(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantCell(t, all[1], "ada", "a", "x = 2; x", "2")
	if err := h.Commit(t.Context(), []byte("late")); ops.Status(err) != http.StatusConflict {
		t.Errorf("what comes late is stored: %v", err)
	}
	wantCell(t, all[1], "ada", "a", "x", "2")
}

// TestSessionKilled has servers be killed while they store what code has left: the session
// is as it was, and what they have stored is found and dropped.
func TestSessionKilled(t *testing.T) {
	t.Parallel()
	on := clustertest.Start(t, clustertest.Config{Idle: true})
	c := on.Cluster
	wantCell(t, c, "ada", "a", "var x = 1; x", "1")
	left := map[string]string{}
	for _, name := range []string{"a", "b"} {
		h := held(t, c, name)
		of, digest, err := h.Store(t.Context(), []byte("half"))
		if err != nil {
			t.Fatal(err)
		}
		left[of] = digest
		h.Release()
		wantBlob(t, on, of, digest, true)
	}
	all, err := c.Service().Sessions.List(t.Context(), "ada")
	if err != nil || len(all) != 1 || all[0].Name != "a" {
		t.Errorf("listed %+v, %v, want what was there before", all, err)
	}
	wantCell(t, c, "ada", "a", "x += 1; x", "2")
	if err := c.SweepSessions(t.Context()); err != nil {
		t.Error(err)
	}
	for of, digest := range left {
		wantBlob(t, on, of, digest, false)
	}
	kept := sessionBlobs(t, on)
	wantBlob(t, on, kept.Of, kept.Digest, true)
	if err := c.Service().Sessions.Remove(t.Context(), "ada", "a"); err != nil {
		t.Error(err)
	}
	wantBlob(t, on, kept.Of, kept.Digest, false)
	if all, err := on.Bus.Documents(t.Context(), cluster.SessionKind); err != nil || len(all) != 0 {
		t.Errorf("there are yet %+v, %v", all, err)
	}
}

// wantBlob wants a blob to be stored, or not to be.
func wantBlob(t *testing.T, on *clustertest.Cluster, of, digest string, want bool) {
	t.Helper()
	r, err := on.Bus.Backend().Blobs.Open(t.Context(), of, digest) // which has none in memory
	if err == nil {
		err = r.Close()
	}
	if got := err == nil; got != want || err != nil && !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("%q is stored: %t, %v, want %t", of, got, err, want)
	}
}

// blobOf is what the document of a session names.
type blobOf struct{ Of, Digest string }

// sessionBlobs is what the only session holds.
func sessionBlobs(t *testing.T, on *clustertest.Cluster) (b blobOf) {
	t.Helper()
	all, err := on.Bus.Documents(t.Context(), cluster.SessionKind)
	if err != nil || len(all) != 1 {
		t.Fatalf("%d sessions, %v, want one", len(all), err)
	}
	if err := json.Unmarshal(all[0].Data, &b); err != nil {
		t.Fatal(err)
	}
	return b
}
