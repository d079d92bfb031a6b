package term

// Look is how a text looks in color. The zero value is as the terminal writes.
type Look string

// Looks, as SGR parameters.
const (
	Plain  Look = ""
	Strong Look = "1"
	Faint  Look = "2"
	Bad    Look = "31"
	Good   Look = "32"
	Warn   Look = "33"
	Waits  Look = "35"
	Busy   Look = "36"
)

// A Status is how the status of a run, a task or a finding looks.
type Status struct {
	Mark string // one column
	Look Look
}

var statuses = map[string]Status{
	"":            {"·", Faint},
	"pending":     {"○", Faint},
	"running":     {"●", Busy},
	"retrying":    {"↻", Warn},
	"paused":      {"‖", Waits},
	"succeeded":   {"✓", Good},
	"failed":      {"✗", Bad},
	"canceled":    {"■", Warn},
	"skipped":     {"-", Faint},
	"interrupted": {"!", Warn},
	"unreadable":  {"?", Bad},
	"draining":    {"↓", Warn},
	"ok":          {"✓", Good},
	"note":        {"·", Plain},
	"warning":     {"!", Warn},
	"wrong":       {"✗", Bad},
}

// StatusOf is how a status looks, by its name; "" is one that has not begun. One that
// is not known looks plain.
func StatusOf(name string) Status {
	if s, ok := statuses[name]; ok {
		return s
	}
	return Status{"·", Plain}
}
