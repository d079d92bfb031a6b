package dockertest_test

import (
	"crypto/rand"
	"net/http"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/internal/dockertest"
)

func TestChanges(t *testing.T) {
	t.Parallel()
	image, key := dockertest.Busybox(t), "graflow-test."+rand.Text()
	mine, stop := dockertest.Changes(t, key+"=mine")
	defer stop()
	others, stopOthers := dockertest.Changes(t, key+"=others")
	heard := func(what string) {
		t.Helper()
		select {
		case <-mine:
		case <-time.After(time.Minute):
			t.Fatalf("the daemon does not tell that a container was %s", what)
		}
	}
	var made struct{ ID string }
	if err := dockertest.Do(t, http.MethodPost, "/containers/create", map[string]any{"Image": image, "Labels": map[string]string{key: "mine"}}, &made); err != nil {
		t.Fatal(err)
	}
	heard("made")
	if err := dockertest.Do(t, http.MethodDelete, "/containers/"+made.ID, nil, nil); err != nil {
		t.Fatal(err)
	}
	heard("removed")
	stopOthers()
	if len(others) > 0 {
		t.Error("what happens to a container is told to who asked for others")
	}
}
