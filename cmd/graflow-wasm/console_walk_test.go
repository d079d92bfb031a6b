package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/graflow/graflow-wasm/internal/console/browsertest"
)

// walked is the flow of TestConsoleWalk: it asks somebody, fails until a file is there,
// and ends in a module that was uploaded.
const walked = `name: walk
description: asks, fails until it is mended, and ends
tasks:
  ask:
    builtin: pause
    with: {name: approve, message: "Go on with 3 parts?", schema: {type: boolean}}
  mend:
    wasm: guest#mended
    grants: {mounts: [{host: %q, guest: /notes, writable: true}]}
  end: {wasm: guest#echo, with: {mended: "${tasks.mend}"}}
flow: ask >> mend >> end
edges: [{from: ask, to: mend, when: result}]
`

// TestConsoleWalk walks through the console of a server, by clicks: it uploads a
// module, submits a run, watches it, approves a pause, and retries a failure. Each step
// is a screenshot, if browsertest.Screenshots names a directory.
func TestConsoleWalk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	policy := filepath.Join(dir, "policy.yaml")
	if err := os.WriteFile(policy, []byte("grants: {mounts: [{host: "+dir+", writable: true}]}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	server := begin(t, dir, "server", "--policy", policy, "--dir", "srv", "--listen-nats", "127.0.0.1:0", "--listen", "127.0.0.1:0")
	url := server.await(`console and API at (http://\S+);`)
	token, err := os.ReadFile(filepath.Join(dir, "srv", tokensDir, "operator.token"))
	if err != nil {
		t.Fatal(err)
	}
	notes := filepath.Join(dir, "notes")
	if err := os.Mkdir(notes, 0o755); err != nil {
		t.Fatal(err)
	}
	w := &walk{Window: browsertest.Open(t, browsertest.Config{URL: url})}
	w.login(strings.TrimSpace(string(token)))
	w.upload()
	run := w.submit(fmt.Sprintf(walked, notes))
	w.approve()
	w.retry(run, func() {
		if err := os.WriteFile(filepath.Join(notes, "mended"), []byte("with glue"), 0o600); err != nil {
			t.Fatal(err)
		}
	})
	w.logout()
}

// walk numbers what is seen.
type walk struct {
	*browsertest.Window

	steps int
}

func (w *walk) record(what string) {
	w.steps++
	w.Shot(fmt.Sprintf("walk-%02d-%s", w.steps, what))
}

func (w *walk) login(token string) {
	w.Go("/runs")
	w.Type("#token", token)
	w.record("login")
	w.Click("form button")
	w.See("#runs", "There are no runs yet")
	w.record("no-runs")
}

func (w *walk) upload() {
	w.Click(`nav a[href="/modules"]`)
	w.See("h1", "Modules")
	w.Do(chromedp.SetUploadFiles("#module", []string{guest}))
	w.Type("#version", "1")
	w.record("upload")
	w.Click(`form[action="/modules"] button`)
	w.See(".done", "The module was admitted and stored")
	w.See("h1", "guest@1")
	w.See("article h3", "mended")
	w.record("module")
}

// submit submits a flow file that is pasted, and returns the run's id.
func (w *walk) submit(source string) string {
	w.Expect("422") // to a flow that is not valid
	w.Click(`nav a[href="/submit"]`)
	w.See("h1", "Submit a run")
	w.Paste("#source", strings.Replace(source, "guest#echo", "guest#nothing", 1))
	w.Click(`form[action="/submit"] button.main`)
	w.See("#problem", "not valid") // the fault is at its line
	w.See(".source .bad", "guest#nothing")
	w.record("invalid")
	w.Paste("#source", source)
	w.Click(`form[action="/submit"] button.main`)
	w.See(".done", "The run was submitted")
	return browsertest.Tell(w.Window, chromedp.Text("h1 code"))
}

func (w *walk) approve() {
	w.See("#title .status", "paused") // it comes by itself
	w.See("section.ask", "Go on with 3 parts?")
	w.record("asked")
	w.Click(`section.ask button[value="true"]`)
	w.See(".done", "The answer was given")
}

// retry watches the run fail, has it mended, and retries it.
func (w *walk) retry(run string, mend func()) {
	w.See("#title .status", "failed")
	w.See(".error .message", "/notes/mended")
	w.record("failed")
	w.Click(`nav.tabs a[href$="/tasks"]`)
	w.See("#tasks td", "mend")
	w.Click(`#tasks a[href$="id=mend"]`)
	w.See("article h2", "mend")
	w.See(".ledger", "Fuel")
	w.record("attempt")
	w.Click(`nav.tabs a[href$="/logs"]`)
	w.See("#log li", "attempt 1 of mend")
	w.record("logs")
	mend()
	w.Click("#retry summary")
	w.record("retry")
	w.Click("#retry form button")
	w.See(".done", "The run is being retried")
	w.See("#title .status", "succeeded")
	w.See("pre.json", "with glue")
	w.record("succeeded")
	w.Click(`nav a[href="/runs"]`)
	w.See("#runs tbody tr", run)
	w.record("runs")
}

func (w *walk) logout() {
	w.Click(`form[action="/logout"] button`)
	w.See("label", "Token")
	w.Go("/runs") // nothing of it is seen any more
	w.See("label", "Token")
}
