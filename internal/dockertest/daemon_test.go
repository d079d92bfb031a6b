package dockertest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/internal/dockertest"
)

func TestDaemon(t *testing.T) {
	t.Parallel()
	if host := dockertest.Daemon(t); !strings.Contains(host, "://") {
		t.Errorf("got host %q, want an address as of DOCKER_HOST", host)
	}
}

func TestNoDaemon(t *testing.T) {
	t.Setenv("CI", "")
	nobody := "unix://" + filepath.Join(t.TempDir(), "nobody.sock")
	for _, test := range []struct{ host, ci, want string }{
		{nobody, "", "make docker"},
		{nobody, "true", "continuous integration"},
		{"ssh://far", "", "without TLS"},
		{"far", "true", "want unix://PATH"},
	} {
		t.Setenv("DOCKER_HOST", test.host)
		t.Setenv("CI", test.ci)
		got := record(t, func(tb *recorder) { dockertest.Daemon(tb); tb.Fatal("a daemon was found") })
		if got.failed != (test.ci != "") || got.skipped != (test.ci == "") || !strings.Contains(got.said(), test.want) {
			t.Errorf("DOCKER_HOST=%s CI=%s: failed %t, skipped %t, told %q; want it to tell %q",
				test.host, test.ci, got.failed, got.skipped, got.said(), test.want)
		}
	}
}

// Without the packages of Debian the tests say which they are.
func TestNothingInstalled(t *testing.T) {
	dockertest.Daemon(t)
	t.Setenv("PATH", t.TempDir())
	for _, ci := range []string{"", "true"} {
		t.Setenv("CI", ci)
		for want, use := range map[string]func(testing.TB) string{
			"apt-get install busybox-static":  dockertest.Busybox,
			"apt-get install docker-registry": dockertest.Registry,
		} {
			got := record(t, func(tb *recorder) { use(tb) })
			if got.failed != (ci != "") || got.skipped == got.failed || !strings.Contains(got.said(), want) {
				t.Errorf("CI=%s: failed %t, skipped %t, told %q; want it to tell %q", ci, got.failed, got.skipped, got.said(), want)
			}
		}
	}
}

// A busybox that needs the system's libraries would not run in an image.
func TestDynamicBusybox(t *testing.T) {
	dockertest.Daemon(t)
	dynamic, err := os.Readlink("/proc/self/exe")
	if err != nil {
		t.Skip("wants Linux")
	}
	dir := t.TempDir()
	for _, shell := range []string{"/bin/dash", "/bin/bash", dynamic} {
		if _, err := os.Stat(shell); err == nil {
			if err := os.Symlink(shell, filepath.Join(dir, "busybox")); err != nil {
				t.Fatal(err)
			}
			break
		}
	}
	t.Setenv("PATH", dir)
	t.Setenv("CI", "")
	got := record(t, func(tb *recorder) { dockertest.Busybox(tb) })
	if !got.skipped || !strings.Contains(got.said(), "needs libraries") {
		t.Errorf("got skipped %t, told %q, want it to say that it needs libraries", got.skipped, got.said())
	}
}
