package inside

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"

	"github.com/graflow/graflow-wasm/sdk/abi"
)

// client asks the host, over the socket of the attempt. It is safe for
// concurrent use; requests go one after the other.
type client struct {
	mu      sync.Mutex // guards conn and answers
	conn    net.Conn
	answers *bufio.Reader
}

// errNoHost is the error of a task that has no socket.
var errNoHost = errors.New("there is no host to ask: " + abi.EnvSocket + " is not set")

// errHungUp is a connection that the host closed: the attempt has ended.
var errHungUp = errors.New("it hung up")

// dial connects to the socket at path.
func dial(path string) (*client, error) {
	if path == "" {
		return nil, errNoHost
	}
	conn, err := net.Dial("unix", path)
	if err != nil {
		return nil, fmt.Errorf("connect to the host: %w", err)
	}
	return &client{conn: conn, answers: bufio.NewReader(conn)}, nil
}

// Close ends the connection.
func (c *client) Close() error { return c.conn.Close() }

// A refusal is an answer that is not ok. It unwraps to the abi.Code of its word,
// if it has one.
type refusal struct{ abi.Answer }

func (e *refusal) Error() string {
	if e.Message == "" {
		return e.Answer.Error
	}
	return e.Answer.Error + ": " + e.Message
}

func (e *refusal) Unwrap() error {
	if e.Answer.Error == abi.WordPaused {
		return nil
	}
	return abi.CodeOf(e.Answer.Error)
}

// ask sends a request and returns the answer's value. When ctx ends, so does the
// connection. A *refusal is what the host did not do.
func (c *client) ask(ctx context.Context, r abi.Request) (json.RawMessage, error) {
	return c.put(ctx, r, nil)
}

// put sends a request and then the bytes that it announces. If content has
// fewer, the connection can't be used any more.
func (c *client) put(ctx context.Context, r abi.Request, content io.Reader) (json.RawMessage, error) {
	text, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", abi.Invalid, err)
	}
	return c.exchange(ctx, r.Op, append(text, '\n'), content, r.Size)
}

func (c *client) exchange(ctx context.Context, op string, text []byte, content io.Reader, size *int64) (json.RawMessage, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	stop := context.AfterFunc(ctx, func() { _ = c.conn.Close() })
	defer stop()
	// The host may answer, and leave, before it has read all.
	_, sent := c.conn.Write(text)
	if sent == nil && content != nil {
		if _, sent = io.CopyN(c.conn, content, *size); errors.Is(sent, io.EOF) {
			_ = c.conn.Close()
			return nil, io.ErrUnexpectedEOF
		}
	}
	answer, err := c.answer()
	var refused *refusal
	switch {
	case err == nil, errors.As(err, &refused):
		return answer, err
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case sent != nil:
		err = sent
	}
	return nil, fmt.Errorf("ask the host for %s: %w", op, err)
}

// answer reads one line.
func (c *client) answer() (json.RawMessage, error) {
	text, err := c.answers.ReadBytes('\n')
	if errors.Is(err, io.EOF) {
		return nil, errHungUp
	}
	if err != nil {
		return nil, err
	}
	var a abi.Answer
	if err := json.Unmarshal(text, &a); err != nil {
		return nil, fmt.Errorf("read its answer: %w", err)
	}
	if !a.OK {
		return nil, &refusal{a}
	}
	return a.Value, nil
}

// errorf writes one line about the wrapper's own trouble.
func errorf(w *os.File, format string, args ...any) {
	fmt.Fprintf(w, Word+": "+format+"\n", args...)
}
