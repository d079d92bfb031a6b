package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/natsbus"
	"github.com/spf13/pflag"
)

// rewrite changes what a server in dir stores last on a subject, behind the back of
// all that is ours.
func rewrite(t *testing.T, dir, stream, subject string, change func([]byte) []byte) {
	t.Helper()
	var where clusterFlags
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	where.addTo(flags, "")
	if err := flags.Set("nats", dir); err != nil {
		t.Fatal(err)
	}
	dial, err := where.dial()
	if err != nil {
		t.Fatal(err)
	}
	nc, err := natsbus.Dial(dial)()
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	const patience = 10 * time.Second
	m, err := nc.Request("$JS.API.STREAM.MSG.GET."+stream, []byte(`{"last_by_subj":"`+subject+`"}`), patience)
	if err != nil {
		t.Fatal(err)
	}
	var was struct {
		Message struct {
			Subject string
			Hdrs    []byte
			Data    []byte
		}
	}
	if err := json.Unmarshal(m.Data, &was); err != nil || was.Message.Subject == "" {
		t.Fatalf("%s: error %v", m.Data, err)
	}
	m.Header = map[string][]string{}
	for line := range strings.Lines(string(was.Message.Hdrs)) {
		key, value, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if ok && !strings.HasPrefix(key, "Nats-") {
			m.Header[key] = []string{value}
		}
	}
	m.Subject, m.Reply, m.Data = was.Message.Subject, "", change(was.Message.Data)
	answer, err := nc.RequestMsg(m, patience)
	if err != nil || !strings.Contains(string(answer.Data), `"seq"`) {
		t.Fatalf("publish %s: %v, error %v", m.Subject, answer, err)
	}
}

// TestModuleTampered is acceptance 96: a module whose bytes were changed in storage,
// and a signature that was, are refused wherever they come.
func TestModuleTampered(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	srv := filepath.Join(dir, "srv")
	if err := os.Symlink(guest, filepath.Join(dir, "guest.wasm")); err != nil {
		t.Fatal(err)
	}
	serve := func() *process {
		s := begin(t, dir, "server", "--dir", "srv", "--listen-nats", "127.0.0.1:0")
		s.await("ready$")
		return s
	}
	want := func(code int, part string, args ...string) string {
		t.Helper()
		cmd := inDir(t, dir, append(args, "--nats", srv)...)
		var errors strings.Builder
		cmd.Stderr = &errors
		out, err := cmd.Output()
		if got := cmd.ProcessState.ExitCode(); err != nil && cmd.ProcessState == nil || got != code || !strings.Contains(string(out)+errors.String(), part) {
			t.Errorf("%s: got %d, %s%s; want %d, %s", args, got, out, errors.String(), code, part)
		}
		return strings.TrimSpace(string(out))
	}
	server := serve()
	want(exitSucceeded, "ed25519:", "module", "keygen", "release.key")
	digest := want(exitSucceeded, "sha256:", "module", "push", "guest.wasm", "--name", "hello", "--version", "1", "--sign", "release.key")
	want(exitSucceeded, "1", "run", "hello@1#echo", "--input", "1")
	server.signal(syscall.SIGTERM) // with what it has compiled
	server.exit()
	server = serve()
	rewrite(t, srv, "GF_MOD", "gf.mod.*.c."+strings.TrimPrefix(digest, "sha256:")+".1", func(data []byte) []byte {
		data[len(data)/2] ^= 1
		return data
	})
	want(exitFailed, `"kind":"tampered"`, "run", "hello@1#echo", "--input", "1", "-o", "json")
	want(exitUsage, "tampered with", "run", "hello@1#echo", "--fuel", "123456789") // of which there is no note that it is good
	want(exitFailed, "its digest is", "module", "show", "hello@1")
	want(exitFailed, "its digest is", "module", "verify", digest, "--key", "release.key.pub")
	want(exitFailed, "its digest is", "module", "pull", "hello", "-O", "got.wasm")
	if _, err := os.Stat(filepath.Join(dir, "got.wasm")); err == nil {
		t.Error("what was tampered with was written")
	}
	want(exitSucceeded, digest, "module", "push", "guest.wasm", "--name", "hello", "--version", "1")
	want(exitSucceeded, "1", "run", "hello@1#echo", "--input", "1")

	record := "gf.mod.*.r.*.*." + strings.TrimPrefix(digest, "sha256:")
	rewrite(t, srv, "GF_MOD", record, func(data []byte) []byte {
		before, after, _ := strings.Cut(string(data), `"signature":"`)
		other := "A"
		if after[0] == 'A' {
			other = "B"
		}
		return []byte(before + `"signature":"` + other + after[1:])
	})
	want(exitFailed, "forged or damaged", "module", "verify", "hello", "--key", "release.key.pub")
	want(exitFailed, "forged or damaged", "module", "pull", "hello", "-O", "got.wasm", "--key", "release.key.pub")
	want(exitSucceeded, "FORGED", "module", "show", "hello")
	want(exitSucceeded, "FORGED", "module", "ls")
	rewrite(t, srv, "GF_MOD", record, func([]byte) []byte { return []byte("{") })
	want(exitFailed, "not what was put", "module", "verify", "hello", "--key", "release.key.pub")
	want(exitFailed, "not what was put", "module", "ls")
	server.signal(syscall.SIGTERM)
	server.exit()
}
