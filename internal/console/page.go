package console

import (
	"bytes"
	"fmt"
	"html/template"
	"net/http"
	"sync"

	"github.com/graflow/graflow-wasm/internal/ops"
)

// page is what every template gets.
type page struct {
	Title   string
	Section string // of the navigation, by path
	Data    any
	// Live is the stream that tells when the page has changed; Poll, in seconds, is how
	// often to look without one. Both empty: it does not change by itself.
	Live string
	Poll int

	// What follows is for show to set.

	By        who
	Sections  []section
	Done      string // what was just done
	Version   string
	Namespace string
	Here      string // the path and query of the request
}

// section is an entry of the navigation.
type section struct {
	Path, Text string
	Here       bool
}

// sections are those that somebody may see.
func (c *Console) sections(by who, here string) []section {
	s := c.Service
	var all []section
	add := func(is bool, needs ops.Role, path, text string) {
		if is && by.Role.May(needs) {
			all = append(all, section{path, text, path == here})
		}
	}
	add(s.Runs != nil, ops.RoleViewer, "/runs", "Runs")
	add(s.Runs != nil, ops.RoleSubmitter, "/submit", "Submit")
	add(s.Flows != nil, ops.RoleViewer, "/flows", "Flows")
	add(s.Modules != nil, ops.RoleViewer, "/modules", "Modules")
	add(s.Queues != nil || s.Workers != nil, ops.RoleViewer, "/queues", "Queues & workers")
	add(s.DeadLetters != nil, ops.RoleViewer, "/dead", "Dead letters")
	add(s.Schedules != nil, ops.RoleViewer, "/schedules", "Schedules")
	add(s.Secrets != nil, ops.RoleOperator, "/secrets", "Secrets")
	add(s.Code != nil, ops.RoleSubmitter, "/code", "Try code")
	return all
}

// home is the first page that there is.
func (c *Console) home(w http.ResponseWriter, r *http.Request, by who) error {
	all := c.sections(by, "")
	if len(all) == 0 {
		return problem{Status: http.StatusNotFound, Title: "There is nothing to show", Text: "This service has no part that the console knows."}
	}
	http.Redirect(w, r, all[0].Path, http.StatusSeeOther)
	return nil
}

// doneTexts say what was just done. Pages name them in their address, so that it is
// one of these texts and no other.
var doneTexts = map[string]string{
	"submitted": "The run was submitted.", "existed": "That run was there before: its key, or its id, had begun it.",
	"canceled": "The run is being canceled.", "paused": "The run is being paused: what runs may end, nothing new begins.",
	"resumed": "The run goes on.", "answered": "The answer was given.", "retried": "The run is being retried.",
	"forked": "This is the new run.", "deleted": "The run was removed.",
	"stored": "The flow was stored.", "removed": "It was removed.", "pushed": "The module was admitted and stored.",
	"limited": "The limit was set.", "scheduled": "The schedule was stored.", "triggered": "A run was begun.",
	"schedule-paused": "The schedule is paused.", "schedule-resumed": "The schedule goes on.",
	"secret-set": "The secret was set.", "secret-replaced": "The secret was replaced.",
}

// render has a template answer a request by somebody.
func (c *Console) render(w http.ResponseWriter, r *http.Request, by who, name string, p page) error {
	c.show(w, r, by, http.StatusOK, name, p)
	return nil
}

func (c *Console) show(w http.ResponseWriter, r *http.Request, by who, status int, name string, p page) {
	p.By, p.Sections = by, c.sections(by, p.Section)
	p.Done = doneTexts[r.URL.Query().Get("done")]
	p.Version, p.Namespace, p.Here = c.Service.Version, c.Service.Namespace, r.URL.RequestURI()
	var text bytes.Buffer // whole or not at all
	if err := templates()[name].ExecuteTemplate(&text, "layout", p); err != nil {
		c.Log.ErrorContext(r.Context(), "render a page", "err", fmt.Errorf("%s: %w", name, err))
		http.Error(w, "this page can't be rendered", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(text.Bytes()) // who has left needs no page
}

// templates are the pages, each with the layout and the parts. They are read when the first
// page is asked for: no other command waits for them.
var templates = sync.OnceValue(func() map[string]*template.Template {
	all := map[string]*template.Template{}
	base := template.Must(template.New("").Funcs(functions).ParseFS(files, "templates/layout.html", "templates/parts.html", "templates/run_parts.html"))
	entries, err := files.ReadDir("templates/pages")
	if err != nil {
		panic(err)
	}
	for _, e := range entries {
		name := e.Name()[:len(e.Name())-len(".html")]
		all[name] = template.Must(template.Must(base.Clone()).ParseFS(files, "templates/pages/"+e.Name()))
	}
	return all
})

// to sends the browser on after something was done.
func to(w http.ResponseWriter, r *http.Request, done string, segments ...string) error {
	where := pathTo(segments...)
	if done != "" {
		where += "?done=" + done
	}
	http.Redirect(w, r, where, http.StatusSeeOther)
	return nil
}
