package console

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/graflow/graflow-wasm/engine"
)

func (c *Console) cancelRun(w http.ResponseWriter, r *http.Request, _ who) error {
	if err := c.Service.Runs.Cancel(r.Context(), r.PathValue("run"), strings.TrimSpace(r.PostFormValue("message"))); err != nil {
		return err
	}
	return to(w, r, "canceled", "runs", r.PathValue("run"))
}

func (c *Console) pauseRun(w http.ResponseWriter, r *http.Request, _ who) error {
	if err := c.Service.Runs.Hold(r.Context(), r.PathValue("run"), strings.TrimSpace(r.PostFormValue("message"))); err != nil {
		return err
	}
	return to(w, r, "paused", "runs", r.PathValue("run"))
}

func (c *Console) resumeRun(w http.ResponseWriter, r *http.Request, _ who) error {
	if err := c.Service.Runs.Resume(r.Context(), r.PathValue("run")); err != nil {
		return err
	}
	return to(w, r, "resumed", "runs", r.PathValue("run"))
}

func (c *Console) answerRun(w http.ResponseWriter, r *http.Request, _ who) error {
	run, name := r.PathValue("run"), r.PostFormValue("pause")
	s, err := c.Service.Runs.Show(r.Context(), run)
	if err != nil {
		return err
	}
	form := pauseForm{}
	for _, p := range s.Pauses {
		if p.Activation == name || p.Name == name {
			form = newPauseForm(p)
		}
	}
	if form.Name == "" {
		return engine.ErrNoPause
	}
	answer, err := form.answer(r.PostForm)
	if err != nil {
		return err
	}
	if err := c.Service.Runs.Answer(r.Context(), run, form.Activation, answer); err != nil {
		return err
	}
	return to(w, r, "answered", "runs", run)
}

func (c *Console) retryRun(w http.ResponseWriter, r *http.Request, _ who) error {
	from := engine.RetryFrom{Task: strings.TrimSpace(r.PostFormValue("task"))}
	if input := strings.TrimSpace(r.PostFormValue("input")); input != "" {
		if !json.Valid([]byte(input)) {
			return missing("The input is not JSON. Text needs quotes.")
		}
		from.Input = json.RawMessage(input)
	}
	if err := c.Service.Runs.Retry(r.Context(), r.PathValue("run"), from); err != nil {
		return err
	}
	return to(w, r, "retried", "runs", r.PathValue("run"))
}

func (c *Console) forkRun(w http.ResponseWriter, r *http.Request, _ who) error {
	id, err := c.Service.Runs.Fork(r.Context(), r.PathValue("run"), r.PostFormValue("checkpoint"), strings.TrimSpace(r.PostFormValue("id")))
	if err != nil {
		return err
	}
	return to(w, r, "forked", "runs", id)
}

// exportRun is a checkpoint as a document.
func (c *Console) exportRun(w http.ResponseWriter, r *http.Request, _ who) error {
	run := r.PathValue("run")
	document, err := c.Service.Runs.Export(r.Context(), run, r.URL.Query().Get("name"))
	if err != nil {
		return err
	}
	download(w, run+".checkpoint.json", "application/json")
	_, err = w.Write(document)
	return c.broken(r, err)
}

func (c *Console) confirmDelete(w http.ResponseWriter, r *http.Request, by who) error {
	h, err := c.head(r.Context(), r.PathValue("run"), "")
	if err != nil {
		return err
	}
	v := confirm{
		Title: "Remove run " + h.Run, Deed: "Remove the run", Back: pathTo("runs", h.Run), Action: pathTo("runs", h.Run, "delete"),
		Text: "Its journal, its logs, its files and its checkpoints are removed for good. What it has done elsewhere stays.",
	}
	if !h.Can.Retry {
		v.Text += " It has not ended: it is dropped where it stands, without its rollbacks. Cancel it first to have them run."
		v.Force = true
	}
	return c.render(w, r, by, "confirm", page{Title: v.Title, Section: "/runs", Data: v})
}

func (c *Console) deleteRun(w http.ResponseWriter, r *http.Request, _ who) error {
	if err := c.Service.Runs.Delete(r.Context(), r.PathValue("run"), r.PostFormValue("force") == "yes"); err != nil {
		return err
	}
	return to(w, r, "deleted", "runs")
}

// confirm asks before what can't be undone.
type confirm struct {
	Title, Text, Deed string
	Action, Back      string
	Force             bool // the form says force=yes
}
