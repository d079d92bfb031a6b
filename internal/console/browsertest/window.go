package browsertest

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// Screenshots is the environment variable that names a directory for screenshots;
// without it none are made.
const Screenshots = "GRAFLOW_WASM_SCREENSHOTS"

// Patience is how long one thing may take in a browser.
const Patience = 30 * time.Second

// Config says what a window is like. URL is required.
type Config struct {
	URL           string // of the server, without a slash at its end
	Width, Height int64  // 0 is 1280 by 900
	Dark          bool
}

// Window is a window of a browser of its own, until its test has ended.
type Window struct {
	tb  testing.TB
	url string
	ctx context.Context //nolint:containedctx // of the window

	mu       sync.Mutex // guards what follows
	wrong    []string
	expected []string
}

// Open opens a window. Without a Chromium the test is skipped, but never where CI is
// set.
func Open(tb testing.TB, c Config) *Window {
	tb.Helper()
	if c.Width == 0 {
		c.Width, c.Height = 1280, 900
	}
	options := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(chromium(tb)), chromedp.UserDataDir(tb.TempDir()), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck, chromedp.Env("TZ=UTC"), chromedp.Flag("hide-scrollbars", true),
	}
	for _, name := range []string{"disable-quic", "disable-background-networking", "disable-component-update", "disable-sync", "disable-dev-shm-usage"} {
		options = append(options, chromedp.Flag(name, true))
	}
	alloc, stop := chromedp.NewExecAllocator(context.WithoutCancel(tb.Context()), options...)
	ctx, leave := chromedp.NewContext(alloc)
	w := &Window{tb: tb, url: c.URL, ctx: ctx}
	tb.Cleanup(func() {
		_ = chromedp.Cancel(ctx) // it waits for the browser to end
		leave()
		stop()
		w.check()
	})
	w.must(chromedp.Listen(ctx, w.hear))
	command(w, network.Enable, network.EnableParams{})
	command(w, log.Enable, cdp.Empty{})
	command(w, runtime.Enable, cdp.Empty{})
	command(w, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: c.Width, Height: c.Height, DeviceScaleFactor: 1})
	scheme := map[bool]string{false: "light", true: "dark"}[c.Dark]
	command(w, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}})
	return w
}

func chromium(tb testing.TB) string {
	tb.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			return found
		}
	}
	if os.Getenv("CI") != "" {
		tb.Fatal("there is no Chromium: install the package chromium")
	}
	tb.Skip("SKIPPED, AND NOTHING WAS SEEN IN A BROWSER: there is no Chromium; install the package chromium")
	return ""
}

func command[P, R any](w *Window, c cdp.Command[P, R], params P) {
	w.tb.Helper()
	_, err := chromedp.Call(w.ctx, c, params)
	w.must(err)
}

func (w *Window) must(err error) {
	w.tb.Helper()
	if err != nil {
		w.tb.Fatal(err)
	}
}

// hear keeps what must not be.
func (w *Window) hear(event any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch e := event.(type) {
	case *log.EventEntryAdded:
		if e.Entry.Level == "error" || e.Entry.Level == "warning" {
			w.note(fmt.Sprintf("%s: %s %s", e.Entry.Level, e.Entry.Text, e.Entry.URL))
		}
	case *runtime.EventExceptionThrown:
		w.note(fmt.Sprintf("exception: %+v", e.ExceptionDetails))
	case *runtime.EventConsoleAPICalled:
		w.note(fmt.Sprintf("console.%s", e.Type))
	case *network.EventRequestWillBeSent:
		if u := e.Request.URL; !strings.HasPrefix(u, w.url+"/") && !strings.HasPrefix(u, "data:") && u != "about:blank" {
			w.note("a request to elsewhere: " + u)
		}
	}
}

// note keeps what is wrong, unless it is expected. The caller holds mu.
func (w *Window) note(text string) {
	for _, e := range w.expected {
		if strings.Contains(text, e) {
			return
		}
	}
	w.wrong = append(w.wrong, text)
}

// Expect has what tells of a text not be wrong, as that a page answers 404.
func (w *Window) Expect(text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.expected = append(w.expected, text)
}

func (w *Window) check() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, text := range w.wrong {
		w.tb.Errorf("the browser says: %s", text)
	}
}

// Do does things one after the other.
func (w *Window) Do(steps ...chromedp.Action[chromedp.Void]) {
	w.tb.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, Patience)
	defer cancel()
	w.must(chromedp.Do(ctx, steps...))
}

// Tell has the browser tell something.
func Tell[T any](w *Window, action chromedp.Action[T]) T {
	w.tb.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, Patience)
	defer cancel()
	value, err := chromedp.Run(ctx, action)
	w.must(err)
	return value
}

// Count is how many elements there are.
func (w *Window) Count(selector string) int {
	w.tb.Helper()
	return Tell(w, chromedp.Evaluate[int](fmt.Sprintf("document.querySelectorAll(%s).length", quoted(selector))))
}

// Go opens a page.
func (w *Window) Go(path string) {
	w.tb.Helper()
	w.Do(chromedp.Navigate(w.url+path), chromedp.WaitReady("#main"))
}

// Click clicks what a selector means, once it is seen.
func (w *Window) Click(selector string) {
	w.tb.Helper()
	w.Do(chromedp.Click(selector, chromedp.NodeVisible))
}

// Type types into a field, in place of what it has.
func (w *Window) Type(selector, text string) {
	w.tb.Helper()
	w.Do(chromedp.WaitVisible(selector), chromedp.Focus(selector), chromedp.Evaluate[chromedp.Void]("document.activeElement.select()"), chromedp.KeyEvent(text))
}

// Paste puts a text into a field, as of several lines, in place of what it has.
func (w *Window) Paste(selector, text string) {
	w.tb.Helper()
	w.Do(chromedp.Focus(selector), chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`document.activeElement.select(), document.execCommand("insertText", false, %s)`, quoted(text))))
}

// quoted is a text as JavaScript.
func quoted(text string) string {
	raw, err := json.Marshal(text)
	if err != nil {
		panic(err) // texts can be encoded
	}
	return string(raw)
}

// See waits until one of the elements has a text, in whichever page.
func (w *Window) See(selector, text string) {
	w.tb.Helper()
	script := fmt.Sprintf(`[...document.querySelectorAll(%s)].some(e => e.textContent.includes(%s))`, quoted(selector), quoted(text))
	ctx, cancel := context.WithTimeout(w.ctx, Patience)
	defer cancel()
	var err error
	for ctx.Err() == nil { // it does not survive that the page is left
		if _, err = chromedp.Run(ctx, chromedp.Poll[bool](script, chromedp.WithPollingInterval(50*time.Millisecond))); err == nil {
			return
		}
	}
	w.tb.Fatalf("%s at %s never had %q: %v\n%s", selector, Tell(w, chromedp.Location()), text, err, Tell(w, chromedp.Text("body")))
}

// Fits wants the page no wider than its window. Parts of a page may scroll in a box.
func (w *Window) Fits() {
	w.tb.Helper()
	over := Tell(w, chromedp.Evaluate[int](`document.documentElement.scrollWidth - document.documentElement.clientWidth`))
	if over <= 0 {
		return
	}
	who := Tell(w, chromedp.Evaluate[string](`[...document.querySelectorAll("main *")].filter(e => e.getBoundingClientRect().right > innerWidth + 1).map(e => e.outerHTML.slice(0, 120)).slice(0, 5).join("\n")`))
	w.tb.Errorf("%s is %d px wider than its window:\n%s", Tell(w, chromedp.Location()), over, who)
}

// Shot makes a screenshot of the whole page, if they are wanted.
func (w *Window) Shot(name string) {
	w.tb.Helper()
	dir := os.Getenv(Screenshots)
	if dir == "" {
		return
	}
	w.must(os.MkdirAll(dir, 0o755))
	w.must(os.WriteFile(filepath.Join(dir, name+".png"), Tell(w, chromedp.FullScreenshot(100)), 0o600))
}
