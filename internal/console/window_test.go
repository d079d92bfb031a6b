package console_test

import (
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/graflow/graflow-wasm/internal/console/browsertest"
	"github.com/graflow/graflow-wasm/internal/ops"
)

// newWindow opens a window in which somebody of a role has logged in.
func (s *site) newWindow(t *testing.T, role ops.Role, c browsertest.Config) *browsertest.Window {
	t.Helper()
	c.URL = s.URL
	w := browsertest.Open(t, c)
	w.Go("/login")
	w.Do(chromedp.SendKeys("#token", tokens[role]))
	w.Click("form button")
	w.See("header.top", names[role])
	return w
}
