package console_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/console/browsertest"
	"github.com/graflow/graflow-wasm/internal/ops"
)

const printing = `name: invoices
description: renders the invoices of a day, and prints them
input:
  type: object
  required: [day]
  properties:
    day: {type: string, description: "as 2026-01-31"}
    copies: {type: integer, default: 1, minimum: 1}
tasks:
  fetch: {direct: {func: work}, with: {ms: 90, say: "fetching the orders of ${input.day}"}}
  render: {direct: {func: work}, with: {ms: 260, say: "rendering 12 invoices"}}
  totals: {direct: {func: work}, with: {ms: 120, say: "adding up"}}
  stamp: {direct: {func: mark}}
  print: {direct: {func: flaky}, retry: {max: 2, delay: 120ms}}
  archive: {direct: {func: work}, with: {ms: 40}}
groups:
  both: {policy: strict}
flow: fetch >> both(render | totals) >> stamp >> print >> archive
`

const asking = `name: purchase
description: an offer that somebody approves
tasks:
  offer: {direct: {func: work}, with: {ms: 60, say: "asking for an offer"}}
  approve: {direct: {func: ask}, with: {name: approve, message: "Buy 40 chairs for 3 600 €?", schema: {type: boolean}}}
  details: {direct: {func: ask}, with: {name: details, message: "Where are they to go?", schema: {type: object, required: [address], properties: {address: {type: string, maxLength: 80}, floor: {type: integer}, lift: {type: boolean}, by: {enum: [truck, bike]}}}}}
  order: {direct: {func: work}, with: {ms: 30}}
flow: offer >> approve >> order
edges: [{from: offer, to: details}, {from: details, to: order}]
`

const waiting = `name: nightly
tasks:
  load: {direct: {func: work}, with: {ms: 80, say: "loading"}}
  hold: {direct: {func: wait}}
  side: {direct: {func: work}, with: {ms: 150, say: "beside"}}
  after: {direct: {func: echo}}
flow: load >> hold >> after
edges: [{from: load, to: side}, {from: side, to: after}]
`

// TestLooks opens pages in a real browser: wide, narrow, light and dark.
func TestLooks(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	failed := s.submit("invoices-0131", printing, `{"day": "2026-01-31", "copies": 2}`)
	paused := s.submit("purchase-7", asking, `null`)
	running := s.submit("nightly-44", waiting, `null`)
	long := s.submit(strings.Repeat("long", 40), "name: "+strings.Repeat("name", 30)+"\ntasks: {"+strings.Repeat("t", 120)+": {direct: {func: work}, with: {say: "+strings.Repeat("say", 90)+", fail: "+strings.Repeat("fail", 90)+"}}}\n", `"`+strings.Repeat("x", 900)+`"`)
	wide := s.submit("wide-1", chain(200), `{"n": 1}`)
	for _, run := range []string{failed, paused, wide, long} {
		s.settle(run)
	}
	s.holds(running)
	if _, err := s.service.Flows.Put(t.Context(), printing, "otto"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.service.Flows.Put(t.Context(), asking, "otto"); err != nil {
		t.Fatal(err)
	}
	paths := map[string]string{
		"runs": "/runs", "run-failed": "/runs/" + failed, "run-paused": "/runs/" + paused, "run-running": "/runs/" + running, "run-wide": "/runs/" + wide,
		"long": "/runs/" + long, "long-tasks": "/runs/" + long + "/tasks", "long-task": "/runs/" + long + "/task?id=" + strings.Repeat("t", 120), "long-logs": "/runs/" + long + "/logs",
		"tasks": "/runs/" + failed + "/tasks", "task": "/runs/" + failed + "/task?id=print", "logs": "/runs/" + failed + "/logs", "events": "/runs/" + failed + "/events",
		"graph": "/runs/" + wide + "/graph", "submit": "/submit", "flows": "/flows", "flow": "/flows/invoices", "flow-new": "/flows/new", "modules": "/modules",
		"queues": "/queues", "dead": "/dead", "schedules": "/schedules", "schedule-new": "/schedules/new", "secrets": "/secrets", "code": "/code", "problem": "/runs/nobody",
	}
	for _, size := range []struct {
		name string
		w, h int64
		dark bool
	}{{"wide", 1440, 900, false}, {"dark", 1280, 900, true}, {"narrow", 360, 740, false}} {
		t.Run(size.name, func(t *testing.T) {
			t.Parallel()
			w := s.newWindow(t, ops.RoleOperator, browsertest.Config{Width: size.w, Height: size.h, Dark: size.dark})
			w.Expect("404")
			for name, path := range paths {
				w.Go(path)
				w.Fits()
				w.Shot(size.name + "-" + name)
			}
		})
	}
	t.Cleanup(func() { close(s.open) })
}

// TestLive watches a run in a page that is never loaded again.
func TestLive(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	run := s.submit("nightly-1", waiting, `null`)
	s.holds(run)
	w := s.newWindow(t, ops.RoleSubmitter, browsertest.Config{})
	w.Go("/runs/" + run)
	w.Do(chromedp.Evaluate[chromedp.Void](`window.same = true`))
	w.See("#title .status", "running")
	w.See("#counts", "running")
	close(s.open)
	w.See("#title .status", "succeeded")
	w.See("#gantt tbody tr", "after")
	if !browsertest.Tell(w, chromedp.Evaluate[bool](`window.same === true`)) {
		t.Error("the page was loaded again")
	}
}

// TestLiveLogs wants lines that are logged while the page is open, once each.
func TestLiveLogs(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	run := s.submit("talk", `name: talk
tasks:
  a: {direct: {func: work}, with: {ms: 1, say: "before <b>bold</b>"}}
  hold: {direct: {func: wait}}
  z: {direct: {func: work}, with: {ms: 1, say: "after <img src=x onerror=alert(1)>"}}
flow: a >> hold >> z
`, `null`)
	s.holds(run)
	w := s.newWindow(t, ops.RoleViewer, browsertest.Config{})
	w.Go("/runs/" + run + "/logs")
	w.See("#log li", "before <b>bold</b>")
	close(s.open)
	w.See("#log li", "after <img src=x onerror=alert(1)>")
	w.See("#title .status", "succeeded")
	lines := w.Count("#log li")
	images := w.Count("#log img, #log b")
	if lines != 2 || images != 0 {
		t.Errorf("got %d lines and %d elements of what was logged, want 2 and none", lines, images)
	}
}

// TestManyRuns lists 500 runs, and wants them readable and kept up to date.
func TestManyRuns(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	var last string
	for i := range 510 {
		last = s.submit(fmt.Sprintf("echo-%04d", i), "name: "+[]string{"import", "export", "report"}[i%3]+"\ntasks: {a: {direct: {func: echo}}}\n", `null`)
	}
	s.settle(last)
	w := s.newWindow(t, ops.RoleViewer, browsertest.Config{})
	w.Go("/runs?limit=500")
	w.Fits()
	if rows := w.Count("#runs tbody tr"); rows != 500 {
		t.Errorf("got %d rows, want 500", rows)
	}
	w.Shot("runs-500")
	w.Do(chromedp.Click(`a[rel=next]`))
	w.See(".pager", "Newest")
	if rows := w.Count("#runs tbody tr"); rows != 10 {
		t.Errorf("the second page has %d rows, want 10", rows)
	}
	w.Go("/runs?flow=fresh")
	w.See("#runs", "No run fits")
	s.submit("late", "name: fresh\ntasks: {a: {direct: {func: echo}}}\n", `null`)
	w.See("#runs", "late")
}

// TestKeys reaches and uses a page by the keyboard alone.
func TestKeys(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	run := s.submit("purchase-1", asking, `null`)
	s.settle(run)
	w := s.newWindow(t, ops.RoleSubmitter, browsertest.Config{})
	w.Go("/runs/" + run)
	var focused []string
	for range 40 {
		w.Do(chromedp.KeyEvent("\t"))
		tag := browsertest.Tell(w, chromedp.Evaluate[string](`(document.activeElement.textContent || document.activeElement.name || "").trim().slice(0, 40)`))
		focused = append(focused, tag)
		if tag == "Yes" {
			break
		}
	}
	all := strings.Join(focused, "|")
	if !strings.HasPrefix(all, "Skip to the content|") || !strings.HasSuffix(all, "|Yes") {
		t.Fatalf("Tab leads to %q, want the skip link first and the answer at last", focused)
	}
	w.Do(chromedp.KeyEvent("\r"))
	w.See(".done", "The answer was given")
	s.until(run, func(n engine.Notice) bool { return n.Type == engine.NoticeTaskResumed })
}

// TestTryCode runs code that fails, and sees where.
func TestTryCode(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	w := s.newWindow(t, ops.RoleSubmitter, browsertest.Config{Width: 1440, Height: 900})
	w.Go("/code")
	w.Do(chromedp.SetValue("#language", "javascript"))
	w.Paste("#source", "export default ({text}) => {\n  console.log(`reading ${text.length} letters`)\n  const words = text.split(' ')\n  if (words.length > 3) throw new RangeError('too many words')\n  return words\n}\n")
	w.Click("form.stack button.main")
	w.See("#result .error", "too many words")
	w.See("#result .bad", "throw new RangeError")
	w.See("#result pre.out", "reading 19 letters")
	w.Shot("code-failed")
	w.Paste("#input", `{"text": "one two"}`)
	w.Click("form.stack button.main")
	w.See("#result .status", "succeeded")
	w.See("#result pre.json", "two")
	w.Shot("code-succeeded")
}
