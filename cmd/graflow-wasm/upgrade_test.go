package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestUpgradeState: what a version has kept on a machine is shown, gone on with, and
// finished.
func TestUpgradeState(t *testing.T) {
	t.Parallel()
	for name, set := range dataSets(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			set.unpack(t, dir)
			here := func(code int, args ...string) string {
				t.Helper()
				return want(t, dir, code, append(args, "--state", "state")...)
			}
			list := here(0, "runs", "ls")
			for _, run := range []string{"done +kept +succeeded", "paused +kept +paused", "failed +bad +failed", "half +sleeps +"} {
				matches(t, list, "(?m)^"+run)
			}
			matches(t, here(0, "runs", "show", "done", "--events"), `"type":"completed","activation":"first".*"blob":true`)
			matches(t, here(0, "runs", "show", "done", "-o", "json"), `"status":"succeeded","output":1`)
			matches(t, here(0, "runs", "show", "failed"), `"min" 2 is greater than "max" 1`)
			if out := here(0, "runs", "resume", "paused", "ok", "7", "-q"); out != "7\n" {
				t.Errorf("the paused run ends with %s, want 7", out)
			}
			if out := here(0, "runs", "resume", "half", "-q"); out != "\"awake\"\n" {
				t.Errorf("the run that was killed half-way ends with %s, want awake", out)
			}
			events := here(0, "runs", "show", "half", "--events")
			if n := strings.Count(events, `"type":"completed","activation":"first[`); n != 3 {
				t.Errorf("the members of the map were committed %d times, want once each:\n%s", n, events)
			}
			if out := want(t, dir, 0, "secrets", "show", "token", "--reveal", "--secrets-file", "secrets.age", "--identity", "identity.txt"); strings.TrimSpace(out) != "a-secret" {
				t.Errorf("the secret is %q", out)
			}
		})
	}
}

// TestUpgradeSession: a session goes on, or, where the interpreter is another one, is
// refused for that, and stays as it is.
func TestUpgradeSession(t *testing.T) {
	t.Parallel()
	for name, set := range dataSets(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			needRuntimes(t)
			dir := t.TempDir()
			set.unpack(t, dir)
			session := filepath.Join(dir, "state", "sessions", "notes"+sessionSuffix)
			before := text(t, session)
			p := begin(t, dir, "exec", "--session", "notes", "--state", "state", "-c", "print(x + 1)", "-q")
			if p.exit() == 0 {
				if out := want(t, dir, 0, "exec", "--session", "notes", "--state", "state", "-c", "x + 1", "-q"); out != "42\n" {
					t.Errorf("x + 1 is %s, want 42", out)
				}
				return
			}
			matches(t, p.all(), "another|other")
			if text(t, session) != before {
				t.Error("a session that could not be read was changed")
			}
		})
	}
}

// TestUpgradeReceipts: receipts that a version has signed hold, and one that was
// changed does not.
func TestUpgradeReceipts(t *testing.T) {
	t.Parallel()
	for name, set := range dataSets(t) {
		if name == "v001" {
			continue // it has none
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			set.unpack(t, dir)
			verify := func(code int, receipt string, args ...string) string {
				t.Helper()
				return want(t, dir, code, append([]string{"verify", "receipts/" + receipt, "--key", "receipts/key.pub", "--offline"}, args...)...)
			}
			matches(t, verify(0, "answer.receipt", "--flow", "receipts/answer.wasm"), `(?m)^verdict +holds$`)
			matches(t, verify(0, "kept.receipt"), `(?m)^verdict +holds$`)
			whole := text(t, filepath.Join(dir, "receipts", "kept.receipt"))
			save(t, filepath.Join(dir, "receipts", "changed.receipt"), strings.Replace(whole, `"sig":"`, `"sig":"AA`, 1))
			if verify(exitFailed, "changed.receipt"); text(t, filepath.Join(dir, "receipts", "changed.receipt")) == whole {
				t.Error("the receipt was not changed: it proves nothing")
			}
		})
	}
}

// TestUpgradeQuarantine: what a version has quarantined stays so until it is lifted.
func TestUpgradeQuarantine(t *testing.T) {
	t.Parallel()
	for name, set := range dataSets(t) {
		if name == "v001" {
			continue // it has none
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			set.unpack(t, dir)
			here := func(args ...string) string {
				t.Helper()
				return want(t, dir, 0, append([]string{"module", "quarantine", "--quarantine-file", "quarantine.json"}, args...)...)
			}
			matches(t, here("ls", "-o", "json"), `"digest":"`+killer+`".*"kills":3,"quarantined":"20`)
			matches(t, here("show", killer), "(?m)^quarantined +20")
			here("lift", killer)
			if out := here("ls", "-o", "json"); strings.Contains(out, `"quarantined":`) {
				t.Errorf("lifted, it is still quarantined: %s", out)
			}
		})
	}
}

// TestUpgradeCheckpoint: a run goes on from a checkpoint that a version has exported.
func TestUpgradeCheckpoint(t *testing.T) {
	t.Parallel()
	for name, set := range dataSets(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			save(t, filepath.Join(dir, checkpointFile), set.checkpoint)
			if out := want(t, dir, 0, "runs", "resume", checkpointFile, "--answer", "ok=8", "--state", "new", "-q"); out != "8\n" {
				t.Errorf("it ends with %s, want 8", out)
			}
		})
	}
}

// TestUpgradeCluster: a server on the streams of a version shows all that they keep,
// finishes what was under way, and begins what is new.
func TestUpgradeCluster(t *testing.T) {
	t.Parallel()
	for name, set := range dataSets(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			set.serve(t, filepath.Join(dir, "srv"))
			there := func(code int, args ...string) string {
				t.Helper()
				return want(t, dir, code, append(args, "--nats", "./srv")...)
			}
			server := begin(t, dir, "server", "--dir", "srv", "--name", "next", "--labels", "zone=a", "--listen-nats", "127.0.0.1:0", "--listen", "127.0.0.1:0")
			server.await("ready$")
			list := there(0, "runs", "ls")
			for _, run := range []string{"done +steps +succeeded", "paused +steps +paused, waits for ok", "failed +bad +failed", "half +half +running", "canceled +half +canceled"} {
				matches(t, list, "(?m)^"+run)
			}
			matches(t, there(0, "runs", "show", "done", "-o", "json"), `"status":"succeeded","output":42`)
			matches(t, there(0, "runs", "show", "failed"), `"min" 2 is greater than "max" 1`)
			matches(t, there(0, "dead", "ls"), "ticket")
			matches(t, there(0, "flows", "ls"), `(?m)^steps@`)
			matches(t, there(0, "schedules", "ls"), `(?m)^later +every 10000h`)
			matches(t, there(0, "module", "ls"), `(?m)^answer@1\.0 +129 B`)
			if out := there(0, "runs", "resume", "paused", "ok", "true", "-q"); out != "42\n" {
				t.Errorf("the paused run ends with %s, want 42", out)
			}
			worker := begin(t, dir, "worker", "--nats", "./srv", "--labels", "zone=b")
			worker.await("ready$")
			matches(t, there(0, "runs", "watch", "half", "-o", "json"), `"status":"succeeded"`)
			events := there(0, "runs", "show", "half", "--events")
			if n := strings.Count(events, `"type":"completed"`); n != 5 {
				t.Errorf("%d tasks of half were committed, want 5, once each:\n%s", n, events)
			}
			if out := there(0, "run", "flow:steps", "--id", "new", "--answer", "ok=true", "-q"); out != "42\n" {
				t.Errorf("a new run of the kept flow ends with %s, want 42", out)
			}
			there(0, "doctor")
			server.signal(syscall.SIGTERM)
			server.exit()
		})
	}
}

// TestUpgradeCache: compiled code of another version is not run and is no error: the
// module is compiled anew.
func TestUpgradeCache(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	save(t, filepath.Join(dir, "answer.wasm"), answering)
	run := func() {
		t.Helper()
		if out := want(t, dir, 0, "run", "answer.wasm", "--cache-dir", "cache", "-q"); out != "42\n" {
			t.Errorf("it gives %s, want 42", out)
		}
	}
	run()
	entries, err := filepath.Glob(filepath.Join(dir, "cache", "*", strings.Repeat("[0-9a-f]", 64)))
	if err != nil || len(entries) == 0 {
		t.Fatalf("the cache has %q, %v: want what was compiled", entries, err)
	}
	// Whole, but made for other identities, which have the version in them: so their
	// code is not what they say.
	was := map[string]string{}
	for i, entry := range entries {
		other := filepath.Join(filepath.Dir(entry), fmt.Sprintf("%064d", i))
		was[other] = text(t, entry)
		if err := os.Rename(entry, other); err != nil {
			t.Fatal(err)
		}
	}
	run() // finds none of its own
	for other, code := range was {
		if text(t, other) != code {
			t.Error("an entry of another version was changed")
		}
	}
	for i, entry := range entries {
		if _, err := os.Stat(entry); err != nil {
			t.Errorf("what was compiled anew is not kept: %v", err)
		}
		save(t, entry, "of another version\n"+was[filepath.Join(filepath.Dir(entry), fmt.Sprintf("%064d", i))])
	}
	run() // finds what it can't use
}
