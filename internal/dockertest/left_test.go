package dockertest_test

import (
	"crypto/rand"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/internal/dockertest"
)

func TestLeftContainers(t *testing.T) {
	t.Parallel()
	image, mine := dockertest.Busybox(t), "graflow-test.owner="+rand.Text()
	left := func() *recorder {
		return record(t, func(tb *recorder) { dockertest.Left(tb, "", mine, "graflow-test.left") })
	}
	if got := left(); got.failed {
		t.Errorf("before: %s", got.said())
	}
	key, value, _ := strings.Cut(mine, "=")
	var made struct{ ID string }
	if err := dockertest.Do(t, http.MethodPost, "/containers/create", map[string]any{
		"Image": image, "Labels": map[string]string{key: value, "graflow-test.left": ""},
	}, &made); err != nil {
		t.Fatal(err)
	}
	if got := left(); !got.failed || !strings.Contains(got.said(), "a container is left: "+made.ID[:12]) {
		t.Errorf("got failed %t, told %q, want the container", got.failed, got.said())
	}
	if all := dockertest.Containers(t, mine); len(all) != 1 || all[0].ID != made.ID || all[0].State != "created" || all[0].Labels[key] != value {
		t.Errorf("got %+v, want the one container", all)
	}
	if all := dockertest.Containers(t, mine, "graflow-test.other"); len(all) != 0 {
		t.Errorf("got %+v, want none with both labels", all)
	}
	if err := dockertest.Do(t, http.MethodDelete, "/containers/"+made.ID, nil, nil); err != nil {
		t.Fatal(err)
	}
	if got := left(); got.failed {
		t.Errorf("after: %s", got.said())
	}
}

func TestLeftFiles(t *testing.T) {
	t.Parallel()
	dockertest.Daemon(t)
	const mine = "graflow-test.files"
	scratch := filepath.Join(t.TempDir(), "scratch")
	left := func() string {
		return record(t, func(tb *recorder) { dockertest.Left(tb, scratch, mine) }).said()
	}
	if got := left(); got != "" {
		t.Errorf("no directory: %s", got)
	}
	if err := os.Mkdir(scratch, 0o700); err != nil {
		t.Fatal(err)
	}
	if got := left(); got != "" {
		t.Errorf("an empty directory: %s", got)
	}
	socket := filepath.Join(scratch, "socket")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"a file is left: " + socket, "a socket is left: "} {
		if got := left(); !strings.Contains(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	// Who listens is found also when the name has been removed.
	if err := os.Remove(socket); err != nil {
		t.Fatal(err)
	}
	if got := left(); !strings.HasPrefix(got, "a socket is left: ") {
		t.Errorf("got %q, want the socket", got)
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	if got := left(); got != "" {
		t.Errorf("after: %s", got)
	}
	if got := record(t, func(tb *recorder) { dockertest.Left(tb, "/proc") }); !got.failed {
		t.Error("no label: want it refused")
	}
}

func TestLeftMounts(t *testing.T) {
	t.Parallel()
	dockertest.Daemon(t)
	// This mount every Linux has.
	got := record(t, func(tb *recorder) { dockertest.Left(tb, "/dev/shm", "graflow-test.mounts") }).said()
	if _, err := os.Stat("/dev/shm"); err == nil && !strings.Contains(got, "a mount is left: /dev/shm") {
		t.Errorf("got %q, want the mount /dev/shm", got)
	}
}
