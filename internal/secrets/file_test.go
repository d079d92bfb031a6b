package secrets_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"
	"github.com/graflow/graflow-wasm/internal/secrets"
)

func configIn(dir string) secrets.FileConfig {
	return secrets.FileConfig{Path: filepath.Join(dir, "store", "secrets.age"), Identity: filepath.Join(dir, "keys", "identity.txt")}
}

func newFile(t *testing.T, config secrets.FileConfig) *secrets.File {
	t.Helper()
	f, err := secrets.NewFile(config)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func set(t *testing.T, f *secrets.File, name, value string) {
	t.Helper()
	if _, err := f.Set(t.Context(), name, []byte(value)); err != nil {
		t.Fatal(err)
	}
}

func want(t *testing.T, f *secrets.File, name, want string) {
	t.Helper()
	if got, err := f.Secret(t.Context(), name); err != nil || string(got) != want {
		t.Errorf("%s: got %q, %v, want %q", name, got, err, want)
	}
}

func TestFile(t *testing.T) {
	t.Parallel()
	config := configIn(t.TempDir())
	f := newFile(t, config)
	if _, err := f.Secret(t.Context(), "a"); !errors.Is(err, secrets.ErrNotFound) {
		t.Errorf("no file: got %v, want ErrNotFound", err)
	}
	if list, err := f.List(); err != nil || len(list) != 0 {
		t.Errorf("no file: got %v, %v, want an empty list", list, err)
	}
	if _, err := os.Stat(config.Identity); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("reading has created an identity: %v", err)
	}
	set(t, f, "b", "two")
	if !f.CreatedIdentity() {
		t.Error("the identity was created, and is not told to be")
	}
	other := newFile(t, config) // as another process would
	want(t, other, "b", "two")
	set(t, other, "a", "\x00\xff binary")
	want(t, f, "a", "\x00\xff binary")
	if replaced, err := f.Set(t.Context(), "b", nil); err != nil || !replaced {
		t.Errorf("set again: got %v, %v, want replaced", replaced, err)
	}
	want(t, other, "b", "")
	list, err := other.List()
	if err != nil || len(list) != 2 || list[0].Name != "a" || list[1].Name != "b" || list[0].Updated.IsZero() {
		t.Errorf("got %v, %v, want a and b", list, err)
	}
	if other.CreatedIdentity() {
		t.Error("the second file claims to have created the identity")
	}
}

func TestFileRemove(t *testing.T) {
	t.Parallel()
	f := newFile(t, configIn(t.TempDir()))
	for _, name := range []string{"a", "b", "c"} {
		set(t, f, name, name)
	}
	err := f.Remove(t.Context(), "a", "x", "y")
	var missing *secrets.Missing
	if !errors.As(err, &missing) || !slices.Equal(missing.Names, []string{"x", "y"}) {
		t.Errorf("got %v, want x and y missing", err)
	}
	want(t, f, "a", "a") // all or none
	if err := f.Remove(t.Context(), "a", "c", "a"); err != nil {
		t.Fatal(err)
	}
	if list, err := f.List(); err != nil || len(list) != 1 || list[0].Name != "b" {
		t.Errorf("got %v, %v, want b alone", list, err)
	}
}

// TestFileSealed wants a file that tells nothing, that its owner alone can use,
// and that age opens.
func TestFileSealed(t *testing.T) {
	t.Parallel()
	config := configIn(t.TempDir())
	set(t, newFile(t, config), "api-key", "hunter2-hunter2")
	sealed, err := os.ReadFile(config.Path)
	if err != nil {
		t.Fatal(err)
	}
	for _, plain := range []string{"hunter2", "api-key", "aHVudGVyMi"} {
		if bytes.Contains(sealed, []byte(plain)) {
			t.Errorf("the sealed file shows %q", plain)
		}
	}
	if runtime.GOOS != "windows" {
		for name, mode := range map[string]fs.FileMode{config.Path: 0o600, config.Identity: 0o600, filepath.Dir(config.Identity): 0o700} {
			if info, err := os.Stat(name); err != nil || info.Mode().Perm() != mode {
				t.Errorf("%s: got %v, %v, want mode %#o", name, info.Mode(), err, mode)
			}
		}
	}
	identity, err := os.Open(config.Identity)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = identity.Close() }()
	ids, err := age.ParseIdentities(identity)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := age.Decrypt(bytes.NewReader(sealed), ids...)
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if _, err := text.ReadFrom(plain); err != nil || !strings.Contains(text.String(), `"api-key":{"value":"aHVudGVyMi1odW50ZXIy"`) {
		t.Errorf("got %s, %v, want the document", &text, err)
	}
	entries, err := os.ReadDir(filepath.Dir(config.Path))
	if err != nil || len(entries) != 2 {
		t.Errorf("got %v, %v, want the file and its lock, nothing temporary", entries, err)
	}
}

func TestFilePassphrase(t *testing.T) {
	t.Parallel()
	config := configIn(t.TempDir())
	config.Passphrase, config.WorkFactor = "correct horse", 10
	set(t, newFile(t, config), "a", "1")
	want(t, newFile(t, config), "a", "1")
	if _, err := os.Stat(config.Identity); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an identity was created beside the passphrase: %v", err)
	}
	config.Passphrase = "battery staple"
	_, err := newFile(t, config).Secret(t.Context(), "a")
	if !errors.Is(err, secrets.ErrIdentity) || !strings.Contains(err.Error(), "give the right one") {
		t.Errorf("wrong passphrase: got %v, want ErrIdentity", err)
	}
}

// TestFileLimits keeps what is no secret out, and the file as it was.
func TestFileLimits(t *testing.T) {
	t.Parallel()
	f := newFile(t, configIn(t.TempDir()))
	largest := strings.Repeat("x", secrets.MaxValue)
	set(t, f, "a", largest)
	if _, err := f.Set(t.Context(), "a", []byte(largest+"x")); !errors.Is(err, secrets.ErrTooLarge) {
		t.Errorf("got %v, want ErrTooLarge", err)
	}
	if _, err := f.Set(t.Context(), "a.b", nil); !errors.Is(err, secrets.ErrName) {
		t.Errorf("got %v, want ErrName", err)
	}
	want(t, f, "a", largest)
	for _, config := range []secrets.FileConfig{{}, {Path: "x"}, {Identity: "x"}} {
		if _, err := secrets.NewFile(config); err == nil {
			t.Errorf("%+v: want it refused", config)
		}
	}
}

// TestFileErrors wants each fault told apart, told by name, and the file left as
// it is by the writers that meet it.
func TestFileErrors(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		spoil func(t *testing.T, c *secrets.FileConfig)
		want  error
		says  string
		unix  bool
	}{
		{"another identity", func(t *testing.T, c *secrets.FileConfig) {
			t.Helper()
			other := configIn(t.TempDir())
			set(t, newFile(t, other), "a", "1")
			c.Identity = other.Identity
		}, secrets.ErrIdentity, "name the right one", false},
		{"no identity", func(t *testing.T, c *secrets.FileConfig) { t.Helper(); remove(t, c.Identity) }, secrets.ErrIdentity, "restore it", false},
		{"an empty identity", func(t *testing.T, c *secrets.FileConfig) { t.Helper(); overwrite(t, c.Identity, "# none\n") }, secrets.ErrIdentity, "it holds none", false},
		{"no identity at all", func(t *testing.T, c *secrets.FileConfig) {
			t.Helper()
			overwrite(t, c.Identity, "AGE-SECRET-KEY-1WRONG\n")
		}, secrets.ErrIdentity, "want one line", false},
		{"a passphrase instead", func(_ *testing.T, c *secrets.FileConfig) { c.Passphrase = "x" }, secrets.ErrIdentity, "sealed to an identity", false},
		{"an identity that others read", func(t *testing.T, c *secrets.FileConfig) { t.Helper(); chmod(t, c.Identity, 0o640) }, secrets.ErrPermissions, "chmod 600", true},
		{"a file that others write", func(t *testing.T, c *secrets.FileConfig) { t.Helper(); chmod(t, c.Path, 0o620) }, secrets.ErrPermissions, "chmod 600", true},
		{"a truncated file", func(t *testing.T, c *secrets.FileConfig) { t.Helper(); truncate(t, c.Path, -1) }, secrets.ErrCorrupt, "backup", false},
		{"an empty file", func(t *testing.T, c *secrets.FileConfig) { t.Helper(); overwrite(t, c.Path, "") }, secrets.ErrCorrupt, "backup", false},
		{"a flipped bit", func(t *testing.T, c *secrets.FileConfig) { t.Helper(); flip(t, c.Path) }, secrets.ErrCorrupt, "backup", false},
		{"another format", func(t *testing.T, c *secrets.FileConfig) { t.Helper(); reseal(t, *c, `[1]`) }, secrets.ErrCorrupt, "no document", false},
		{"another version", func(t *testing.T, c *secrets.FileConfig) { t.Helper(); reseal(t, *c, `{"version": 2}`) }, secrets.ErrCorrupt, "version 2", false},
		{"a wrong name", func(t *testing.T, c *secrets.FileConfig) {
			t.Helper()
			reseal(t, *c, `{"version": 1, "secrets": {"../a": {}}}`)
		}, secrets.ErrCorrupt, "../a", false},
		{"too large", func(t *testing.T, c *secrets.FileConfig) { t.Helper(); truncate(t, c.Path, 64<<20+1) }, secrets.ErrTooLarge, "at most", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if test.unix && runtime.GOOS == "windows" {
				t.Skip("files have no such modes")
			}
			config := configIn(t.TempDir())
			set(t, newFile(t, config), "a", "1")
			test.spoil(t, &config)
			before, _ := os.ReadFile(config.Path)
			f := newFile(t, config)
			_, err := f.Secret(t.Context(), "a")
			for _, sentinel := range []error{secrets.ErrIdentity, secrets.ErrCorrupt, secrets.ErrPermissions, secrets.ErrTooLarge} {
				if got, want := errors.Is(err, sentinel), errors.Is(test.want, sentinel); got != want {
					t.Errorf("got %v, want %v", err, test.want)
				}
			}
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %v, want it to say %q", err, test.says)
			}
			if _, err := f.Set(t.Context(), "b", []byte("2")); !errors.Is(err, test.want) {
				t.Errorf("set: got %v, want %v", err, test.want)
			}
			if after, _ := os.ReadFile(config.Path); !bytes.Equal(before, after) {
				t.Error("set has written over it")
			}
		})
	}
}

func overwrite(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, file string) {
	t.Helper()
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
}

func chmod(t *testing.T, file string, mode fs.FileMode) {
	t.Helper()
	if err := os.Chmod(file, mode); err != nil {
		t.Fatal(err)
	}
}

// truncate makes a file that long, or as much shorter.
func truncate(t *testing.T, file string, size int64) {
	t.Helper()
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if size < 0 {
		size += info.Size()
	}
	if err := os.Truncate(file, size); err != nil {
		t.Fatal(err)
	}
}

func flip(t *testing.T, file string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)-1] ^= 1
	overwrite(t, file, string(data))
}

// reseal puts another text into a file.
func reseal(t *testing.T, config secrets.FileConfig, text string) {
	t.Helper()
	data, err := os.ReadFile(config.Identity)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	identity, err := age.ParseX25519Identity(lines[len(lines)-1])
	if err != nil {
		t.Fatal(err)
	}
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, identity.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.Write([]byte(text))
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	overwrite(t, config.Path, sealed.String())
}

// TestFileLink replaces what a link leads to, not the link.
func TestFileLink(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	config := configIn(dir)
	set(t, newFile(t, config), "a", "1")
	linked := config
	linked.Path = filepath.Join(dir, "link.age")
	if err := os.Symlink(config.Path, linked.Path); err != nil {
		t.Skipf("no links here: %v", err)
	}
	set(t, newFile(t, linked), "b", "2")
	want(t, newFile(t, config), "b", "2")
	if info, err := os.Lstat(linked.Path); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("got %v, %v, want still a link", info, err)
	}
}

// writer starts a process that writes to the file in dir.
func writer(t *testing.T, name, dir string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), writerVariable+"="+name, "GRAFLOW_TEST_DIR="+dir)
	cmd.Stderr = t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}

// TestFileWriters has processes create one file and its identity at the same
// time, and write to it without losing anything.
func TestFileWriters(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	names := []string{"x", "y", "z"}
	var writers []*exec.Cmd
	for _, name := range names {
		writers = append(writers, writer(t, name, dir))
	}
	f := newFile(t, configIn(dir))
	for range writes { // reads while they write, and finds a whole file
		if _, err := f.List(); err != nil {
			t.Error(err)
		}
	}
	for _, cmd := range writers {
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	}
	for _, name := range names {
		for i := range writes {
			want(t, f, fmt.Sprintf("%s-%d", name, i), name)
		}
	}
	if list, err := f.List(); err != nil || len(list) != len(names)*writes+1 {
		t.Errorf("got %d secrets, %v, want %d", len(list), err, len(names)*writes+1)
	}
}

// TestFileKilled kills writers at work, and wants what they had written, and the
// lock free again.
func TestFileKilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f := newFile(t, configIn(dir))
	had := 0
	for i := range 8 {
		cmd := writer(t, fmt.Sprint("w", i), dir)
		for known := had; had < known+3+i; {
			list, err := f.List()
			if err != nil {
				t.Fatal(err)
			}
			had = len(list)
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // killed, as it should be
		list, err := f.List()
		if err != nil || len(list) < had {
			t.Fatalf("got %d secrets, %v, want the %d that were there", len(list), err, had)
		}
		had = len(list)
		set(t, f, "mine", fmt.Sprint(i))
		want(t, newFile(t, configIn(dir)), "mine", fmt.Sprint(i))
	}
}

// TestFileLocked waits for another writer no longer than its context.
func TestFileLocked(t *testing.T) {
	t.Parallel()
	config := configIn(t.TempDir())
	f := newFile(t, config)
	set(t, f, "a", "1")
	unlock, err := secrets.Lock(t.Context(), config.Path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.Set(ctx, "a", []byte("2")); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want canceled", err)
	}
	want(t, f, "a", "1") // reading needs no lock
	unlock()
	set(t, f, "a", "2")
}
