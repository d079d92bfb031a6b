package console

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/internal/ops"
)

// queuesView is how the queues stand, and who takes from them.
type queuesView struct {
	Queues  []ops.Queue
	Workers []workerRow
	Running int
	Slots   int
}

type workerRow struct {
	ops.Worker

	Up    time.Duration
	Quiet time.Duration // since it was seen, if that is long
}

func (c *Console) queues(w http.ResponseWriter, r *http.Request, by who) error {
	var v queuesView
	var err error
	if c.Service.Queues != nil {
		if v.Queues, err = c.Service.Queues.List(r.Context()); err != nil {
			return err
		}
	}
	if c.Service.Workers != nil {
		workers, err := c.Service.Workers.List(r.Context())
		if err != nil {
			return err
		}
		now := c.now()
		for _, one := range workers {
			row := workerRow{Worker: one}
			if !one.Started.IsZero() {
				row.Up = now.Sub(one.Started)
			}
			if quiet := now.Sub(one.Seen); !one.Seen.IsZero() && quiet > 15*time.Second {
				row.Quiet = quiet
			}
			v.Running, v.Slots = v.Running+one.Running, v.Slots+one.Concurrency
			v.Workers = append(v.Workers, row)
		}
	}
	return c.render(w, r, by, "queues", page{Title: "Queues & workers", Section: "/queues", Data: v, Poll: 2})
}

func (c *Console) limitQueue(w http.ResponseWriter, r *http.Request, _ who) error {
	text, n := strings.TrimSpace(r.PostFormValue("limit")), 0
	if text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil || n < 0 {
			return missing("The limit %q is none: want a number, and nothing, or 0, for no limit.", shortText(40, text))
		}
	}
	if err := c.Service.Queues.Limit(r.Context(), r.PathValue("queue"), n); err != nil {
		return err
	}
	return to(w, r, "limited", "queues")
}
