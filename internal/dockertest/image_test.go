package dockertest_test

import (
	"crypto/rand"
	"io/fs"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/graflow/graflow-wasm/internal/dockertest"
)

func TestImage(t *testing.T) {
	t.Parallel()
	image := dockertest.Image(t, "hello", map[string]dockertest.File{
		"/bin/hello": {Path: dockertest.Program(t, "./testdata/hello")},
	}, `ENTRYPOINT ["/bin/hello"]`)
	if !regexp.MustCompile(`^graflow-test/hello:[0-9a-f]{16}$`).MatchString(image) {
		t.Errorf("got reference %s", image)
	}
	output, _, exit := dockertest.Run(t, image, "you", "there")
	if want := "hello, [you there]\n"; output != want || exit != 7 {
		t.Errorf("got %q and exit code %d, want %q and 7", output, exit, want)
	}
}

func TestFiles(t *testing.T) {
	t.Parallel()
	base := shell(t)
	base["data/plain"] = dockertest.File{Data: []byte("four"), Mode: 0o640, UID: 1000, GID: 100}
	base["data/suid"] = dockertest.File{Mode: fs.ModeSetuid | 0o755}
	base["open"] = dockertest.File{Mode: fs.ModeDir | fs.ModeSticky | 0o777}
	image := dockertest.Image(t, "files", base, "USER 1000:100")
	output, _, exit := dockertest.Run(t, image, "sh", "-c", "id -u; stat -c '%n %a %u %g %s %Y' /data /data/plain /data/suid /open; readlink /bin/sh")
	want := "1000\n/data 755 0 0"
	if !strings.HasPrefix(output, want) || exit != 0 {
		t.Errorf("got %q and exit code %d, want %q…", output, exit, want)
	}
	for _, want := range []string{"/data/plain 640 1000 100 4 0\n", "/data/suid 4755 0 0 0 0\n", "/open 1777 0 0", "\nbusybox\n"} {
		if !strings.Contains(output, want) {
			t.Errorf("got %q, want %q in it", output, want)
		}
	}
}

// Who asks for one image at the same time makes it once, and nothing is left of
// other attempts: an image without a name would be.
func TestImageOnce(t *testing.T) {
	t.Parallel()
	secret := rand.Text() // no image of an earlier run
	files := func() map[string]dockertest.File {
		return map[string]dockertest.File{"a/b/c": {Data: []byte(secret)}, "a": {Mode: fs.ModeDir}, "d": {Link: "a"}}
	}
	got := make([]string, 6)
	var group sync.WaitGroup
	for i := range got {
		group.Go(func() { got[i] = dockertest.Image(t, "once", files()) })
	}
	group.Wait()
	dockertest.RemoveImage(t, got[0])
	for _, reference := range got {
		if reference != got[0] {
			t.Errorf("got %s, want %s as before", reference, got[0])
		}
	}
	_, digest, _ := strings.Cut(got[0], ":")
	if left := dockertest.Images(t, digest); left != 0 {
		t.Errorf("%d images are left of attempts to make one", left)
	}
}

func TestImageDiffers(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for what, image := range map[string]func() string{
		"one": func() string { return dockertest.Image(t, "differs", map[string]dockertest.File{"a": {}}) },
		"content": func() string {
			return dockertest.Image(t, "differs", map[string]dockertest.File{"a": {Data: []byte("x")}})
		},
		"mode":     func() string { return dockertest.Image(t, "differs", map[string]dockertest.File{"a": {Mode: 0o644}}) },
		"owner":    func() string { return dockertest.Image(t, "differs", map[string]dockertest.File{"a": {UID: 1}}) },
		"name":     func() string { return dockertest.Image(t, "differs", map[string]dockertest.File{"b": {}}) },
		"changes":  func() string { return dockertest.Image(t, "differs", map[string]dockertest.File{"a": {}}, "USER 1") },
		"its name": func() string { return dockertest.Image(t, "differs2", map[string]dockertest.File{"a": {}}) },
		"a relative": func() string {
			return dockertest.Image(t, "differs", map[string]dockertest.File{"./a/../a": {}}, "USER 2")
		},
	} {
		reference := image()
		if other, ok := seen[reference]; ok {
			t.Errorf("%s and %s are both %s", what, other, reference)
		}
		seen[reference] = what
	}
}

func TestImageRefused(t *testing.T) {
	t.Parallel()
	for want, use := range map[string]func(tb *recorder){
		"no such file": func(tb *recorder) {
			dockertest.Image(tb, "refused", map[string]dockertest.File{"a": {Path: "testdata/none"}})
		},
		"named twice":                 func(tb *recorder) { dockertest.Image(tb, "refused", map[string]dockertest.File{"a": {}, "/a": {}}) },
		"no name of a file":           func(tb *recorder) { dockertest.Image(tb, "refused", map[string]dockertest.File{"/": {}}) },
		"not a valid change":          func(tb *recorder) { dockertest.Image(tb, "refused", map[string]dockertest.File{"a": {}}, "FROM x") },
		"invalid reference format":    func(tb *recorder) { dockertest.Image(tb, "NOT LOWER", map[string]dockertest.File{"a": {}}) },
		"build program ./testdata/no": func(tb *recorder) { dockertest.Program(tb, "./testdata/none") },
	} {
		if got := record(t, use); !got.failed || !strings.Contains(got.said(), strings.ReplaceAll(want, "./", "")) {
			t.Errorf("got failed %t, told %q, want %q", got.failed, got.said(), want)
		}
	}
}

// shell is the files of an image with a shell.
func shell(t *testing.T) map[string]dockertest.File {
	t.Helper()
	dockertest.Busybox(t) // or this test says why not
	files := map[string]dockertest.File{"bin/busybox": {Path: dockertest.BusyboxBinary(t)}}
	for _, name := range []string{"sh", "id", "stat", "readlink"} {
		files["bin/"+name] = dockertest.File{Link: "busybox"}
	}
	return files
}

func TestBusybox(t *testing.T) {
	t.Parallel()
	image := dockertest.Busybox(t)
	stdout, stderr, exit := dockertest.Run(t, image, "sh", "-c", "whoami; touch /tmp/x && ls /tmp; echo wrong >&2; exit 3")
	if want := "root\nx\n"; exit != 3 || stdout != want || stderr != "wrong\n" {
		t.Errorf("got stdout %q, stderr %q and exit code %d, want %q, wrong and 3", stdout, stderr, exit, want)
	}
}
