package console

import (
	"net/http"
	"strconv"

	"github.com/graflow/graflow-wasm/internal/ops"
)

// maxDead is how many dead letters a page lists.
const maxDead = 100

// deadView is a list of dead letters, the newest first.
type deadView struct {
	Rows   []ops.DeadLetter
	Before bool
	Older  string
	Newest string
}

func (c *Console) deadLetters(w http.ResponseWriter, r *http.Request, by who) error {
	before, err := strconv.ParseUint(r.URL.Query().Get("before"), 10, 64)
	if err != nil {
		before = 0
	}
	all, err := c.Service.DeadLetters.List(r.Context(), before, maxDead+1)
	if err != nil {
		return err
	}
	next := ""
	if len(all) > maxDead {
		all = all[:maxDead]
		next = strconv.FormatUint(all[maxDead-1].Number, 10)
	}
	v := deadView{Rows: all, Before: before > 0}
	v.Newest, v.Older = pages(r.URL.Query(), next)
	return c.render(w, r, by, "dead", page{Title: "Dead letters", Section: "/dead", Data: v})
}

// numberOf is the number in a request's path.
func numberOf(r *http.Request) (uint64, error) {
	n, err := strconv.ParseUint(r.PathValue("number"), 10, 64)
	if err != nil {
		return 0, missing("%q is no number of a dead letter.", shortText(40, r.PathValue("number")))
	}
	return n, nil
}

// letterView is a dead letter.
type letterView struct {
	ops.DeadLetter

	Content jsonView
}

func (c *Console) deadLetter(w http.ResponseWriter, r *http.Request, by who) error {
	n, err := numberOf(r)
	if err != nil {
		return err
	}
	d, err := c.Service.DeadLetters.Show(r.Context(), n)
	if err != nil {
		return err
	}
	v := letterView{DeadLetter: d, Content: newJSON(d.Data, "")}
	return c.render(w, r, by, "dead_letter", page{Title: "Dead letter " + strconv.FormatUint(n, 10), Section: "/dead", Data: v})
}

func (c *Console) retryDead(w http.ResponseWriter, r *http.Request, _ who) error {
	n, err := numberOf(r)
	if err != nil {
		return err
	}
	run, err := c.Service.DeadLetters.Retry(r.Context(), n)
	if err != nil {
		return err
	}
	return to(w, r, "retried", "runs", run)
}

func (c *Console) removeDead(w http.ResponseWriter, r *http.Request, _ who) error {
	n, err := numberOf(r)
	if err != nil {
		return err
	}
	if err := c.Service.DeadLetters.Remove(r.Context(), n); err != nil {
		return err
	}
	return to(w, r, "removed", "dead")
}
