package console

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/graflow/graflow-wasm/engine"
)

// maxEvents is how many events a page shows.
const maxEvents = 200

// eventsView is a part of a run's journal.
type eventsView struct {
	runHead

	Rows  []eventRow
	First bool   // it is the beginning
	Next  uint64 // after which the next page is; 0 is the end
}

type eventRow struct {
	*engine.Event

	Detail jsonView
}

func (c *Console) runEvents(w http.ResponseWriter, r *http.Request, by who) error {
	h, err := c.head(r.Context(), r.PathValue("run"), "events")
	if err != nil {
		return err
	}
	after, err := strconv.ParseUint(r.URL.Query().Get("after"), 10, 64)
	if err != nil {
		after = 0
	}
	events, err := c.Service.Runs.Events(r.Context(), h.Run, after, maxEvents+1)
	if err != nil {
		return err
	}
	v := eventsView{runHead: h, First: after == 0}
	if len(events) > maxEvents {
		events = events[:maxEvents]
		v.Next = events[maxEvents-1].Seq
	}
	for _, e := range events {
		raw, err := json.Marshal(e)
		if err != nil {
			return err
		}
		row := eventRow{e, newJSON(raw, "")}
		row.Detail.Fold = true
		v.Rows = append(v.Rows, row)
	}
	return c.render(w, r, by, "run_events", h.page(v, 0))
}
