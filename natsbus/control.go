package natsbus

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nuid"

	"github.com/graflow/graflow-wasm/engine"
)

const (
	askFor   = 15 * time.Second       // how long an owner is looked for
	askAgain = 200 * time.Millisecond // between two tries
	askTry   = 2 * time.Second        // how long one try waits; the next one joins it
)

// Headers of requests and answers.
const (
	headerRun    = "Gf-Run"
	headerMethod = "Gf-Method"
	headerAsk    = "Gf-Ask" // the request's id: the same one is not done twice
	headerCode   = "Gf-Code"
	headerError  = "Gf-Error"
)

// ErrElsewhere is an owner's answer that the run is another's by now: it is asked.
var ErrElsewhere = errors.New("the run belongs to another process by now")

// ErrNoOwner is a run of which nobody takes care: no process that drives runs is
// there, or none has taken over yet.
var ErrNoOwner = errors.New("no process drives the run: is a worker running?")

// AnswerError is the error that an owner answered. It is engine.ErrNotFound,
// engine.ErrConflict or engine.ErrNotRetryable where that was the owner's.
type AnswerError struct {
	Code int // as of HTTP
	Text string
}

func (e *AnswerError) Error() string { return e.Text }

// codes are those of the errors that are the same on both sides; the first fits.
var codes = []struct {
	code int
	err  error
}{
	{http.StatusMisdirectedRequest, ErrElsewhere},
	{http.StatusNotFound, engine.ErrNotFound},
	{http.StatusUnprocessableEntity, engine.ErrNotRetryable},
	{http.StatusConflict, engine.ErrConflict},
	{http.StatusServiceUnavailable, engine.ErrClosed},
}

// Is compares by the code.
func (e *AnswerError) Is(target error) bool {
	for _, c := range codes {
		if e.Code == c.code && target == c.err {
			return true
		}
	}
	return false
}

// codeOf is an error's code.
func codeOf(err error) int {
	var answer *AnswerError
	if errors.As(err, &answer) {
		return answer.Code
	}
	for _, c := range codes {
		if errors.Is(err, c.err) {
			return c.code
		}
	}
	return http.StatusInternalServerError
}

func (b *Bus) askSubject(partition int) string {
	return "gf.ctl." + token(b.cfg.Namespace) + "." + strconv.Itoa(partition)
}

// Ask has the owner of a run do something, and returns its answer, or its error as
// an [AnswerError]. While a run has no owner it is repeated, for 15 s at most, then
// the error is ErrNoOwner. It is done once, however often it is repeated, by an owner
// that stays; by one that takes over it may be done again. A process that has lost its
// lease of the run does not do it any more, however late the request comes to it.
func (b *Bus) Ask(ctx context.Context, run, method string, body []byte) ([]byte, error) {
	m := nats.NewMsg(b.askSubject(partition(b.cfg.Namespace, run)))
	m.Header.Set(headerRun, token(run))
	m.Header.Set(headerMethod, method)
	m.Header.Set(headerAsk, nuid.Next())
	m.Data = body
	if most := b.nc.MaxPayload(); int64(m.Size()) > most {
		return nil, fmt.Errorf("ask the owner of run %q to %s: the request has %d bytes, the server takes %d; store what is large as a blob", run, method, m.Size(), most)
	}
	reply, err := b.askUntil(ctx, m)
	if err != nil {
		return nil, fmt.Errorf("ask the owner of run %q to %s: %w", run, method, err)
	}
	return reply, nil
}

func (b *Bus) askUntil(ctx context.Context, m *nats.Msg) ([]byte, error) {
	for end := time.Now().Add(askFor); ; {
		try, cancel := context.WithTimeout(ctx, askTry)
		reply, err := b.request(try, m)
		cancel()
		if err == nil {
			if err = answered(reply); err == nil {
				return reply.Data, nil
			}
		}
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case !unanswered(err) && !errors.Is(err, ErrElsewhere):
			return nil, translate(err)
		case time.Now().After(end):
			return nil, lastWord(err)
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(askAgain): // ownership moves
		}
	}
}

// lastWord is the error of one who has asked for long.
func lastWord(err error) error {
	if errors.Is(err, nats.ErrNoResponders) || errors.Is(err, ErrElsewhere) {
		return fmt.Errorf("%w (asked for %v)", ErrNoOwner, askFor)
	}
	return fmt.Errorf("no answer for %v: whether it was done is not known: %w", askFor, translate(err))
}

// answered reads the error of an answer.
func answered(m *nats.Msg) error {
	code := m.Header.Get(headerCode)
	if code == "" {
		return nil
	}
	n, err := strconv.Atoi(code)
	if err != nil {
		return fmt.Errorf("the answer's code is %q, want a number", code)
	}
	return &AnswerError{Code: n, Text: m.Header.Get(headerError)}
}
