package console

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/control"
	"github.com/graflow/graflow-wasm/internal/ops"
)

// problem is an error as a page: what it is, and what to do.
type problem struct {
	Status   int
	Title    string
	Text     string
	Faults   []ops.Fault
	Advice   string
	Link     string // where to go on
	LinkText string
}

// Error implements error.
func (p problem) Error() string { return p.Title + ": " + p.Text }

// missing is a problem with what was sent.
func missing(format string, args ...any) error {
	return problem{Status: http.StatusBadRequest, Title: "This can't be done so", Text: fmt.Sprintf(format, args...)}
}

// advices tell what to do about errors.
var advices = []struct {
	err  error
	text string
}{
	{engine.ErrFinished, "The run has ended meanwhile. A run that failed or was canceled can be retried."},
	{engine.ErrNotRetryable, "A run can be retried once it has ended, from what failed or from a task of your choice."},
	{engine.ErrAnswered, "Somebody was quicker. The run's page shows the answer."},
	{engine.ErrNotPaused, "The run waits for nobody now. Its page shows what it does."},
	{engine.ErrNoPause, "The run does not wait for that any more. Its page shows what it waits for."},
	{engine.ErrInvalidAnswer, "Go back, and send an answer that fits what is asked."},
	{engine.ErrRunExists, "Choose another id, or leave it empty to have one drawn."},
	{engine.ErrModule, "Push the module that the run began with again, or begin another run."},
	{control.ErrDriven, "The run goes on already."},
	{control.ErrUnfinished, "Cancel the run first, or remove it by force."},
	{engine.ErrUnreachable, "The cluster does not answer. Whether it was done is not known: look, and do it again if not."},
	{ops.ErrUnavailable, "What this needs does not answer just now. Try again in a moment."},
	{ops.ErrLimited, "Wait a moment, and try again."},
	{ops.ErrTaken, "Choose another name or version, or remove what has it."},
	{context.DeadlineExceeded, "It took too long. Try again in a moment."},
	{engine.ErrNotFound, "It may have been removed, or the address is mistyped. The lists show what there is."},
}

var titles = map[int]string{
	http.StatusBadRequest:            "This can't be done so",
	http.StatusUnauthorized:          "You are not logged in",
	http.StatusForbidden:             "Not permitted",
	http.StatusNotFound:              "There is no such thing",
	http.StatusConflict:              "This does not fit how things stand",
	http.StatusRequestEntityTooLarge: "This is too large",
	http.StatusUnprocessableEntity:   "What you sent is not valid",
	http.StatusTooManyRequests:       "Too much at once",
	http.StatusServiceUnavailable:    "Not available just now",
}

func problemOf(err error) problem {
	if p, ok := errors.AsType[problem](err); ok {
		return p
	}
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return problem{Status: http.StatusRequestEntityTooLarge, Title: titles[http.StatusRequestEntityTooLarge], Text: fmt.Sprintf("At most %s are taken.", bytesText(tooLarge.Limit))}
	}
	p := problem{Status: ops.Status(err), Text: err.Error()}
	if p.Title = titles[p.Status]; p.Title == "" {
		p.Title = "Something went wrong here"
	}
	if invalid, ok := errors.AsType[*ops.Invalid](err); ok {
		p.Text, p.Faults = sentence(invalid.What+" is not valid"), invalid.Faults
	}
	for _, a := range advices {
		// Of an error that came from another process only the text is left.
		if errors.Is(err, a.err) || p.Status < http.StatusInternalServerError && strings.Contains(p.Text, a.err.Error()) {
			p.Advice = a.text
			break
		}
	}
	if p.Advice == "" && p.Status >= http.StatusInternalServerError {
		p.Advice = "This is a fault of the service, not yours. Try again; if it stays, tell who runs it what is above."
	}
	return p
}

// sentence is a text with a capital and a full stop.
func sentence(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(first)) + text[size:] + "."
}

// fail answers with a page that tells a problem.
func (c *Console) fail(w http.ResponseWriter, r *http.Request, by who, p problem) {
	if r.Context().Err() != nil {
		return // nobody listens
	}
	if p.Status >= http.StatusInternalServerError {
		c.Log.ErrorContext(r.Context(), "answer a request", "method", r.Method, "path", r.URL.Path, "err", p.Text)
	}
	c.show(w, r, by, p.Status, "problem", page{Title: p.Title, Data: p})
}

func (c *Console) nothing(_ http.ResponseWriter, r *http.Request, _ who) error {
	return problem{
		Status: http.StatusNotFound, Title: "There is no such page", Text: "Nothing is at " + r.URL.Path + " for a " + r.Method + ".",
		Advice: "The navigation leads to all pages.", Link: "/", LinkText: "To the runs",
	}
}

func (c *Console) denyOrigin(w http.ResponseWriter, r *http.Request) {
	c.fail(w, r, who{}, problem{
		Status: http.StatusForbidden, Title: "This came from another site",
		Text: "A page of another origin has asked for this, so it was not done. If it was you, do it from the console itself.", Link: "/", LinkText: "To the console",
	})
}
