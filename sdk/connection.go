//go:build !wasip1

package sdk

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"

	"github.com/graflow/graflow-wasm/sdk/abi"
)

// A connection is a host that is reached over a socket, by the protocol of
// [abi.Request]. Calls wait for each other. Once it is lost every call fails.
type connection struct {
	mu      sync.Mutex // guards what follows, for the length of a call
	conn    net.Conn   // nil if lost
	answers *bufio.Reader
	lost    error
}

// errLost is why calls fail after the host has gone, or never was there.
var errLost = errors.New("the connection to the host is lost")

func dial(path string) *connection {
	conn, err := net.Dial("unix", path)
	if err != nil {
		return &connection{lost: fmt.Errorf("%w: %s, which %s names: %w", errLost, path, abi.EnvSocket, err)}
	}
	return &connection{conn: conn, answers: bufio.NewReader(conn)}
}

func (c *connection) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lose(errors.New("it was closed"))
}

// lose ends the connection.
func (c *connection) lose(err error) {
	if c.conn != nil {
		_ = c.conn.Close() // nothing is buffered in it
		c.conn, c.lost = nil, fmt.Errorf("%w: %w", errLost, err)
	}
}

// broken is why the connection is lost, if it is.
func (c *connection) broken() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lost
}

// A refusal is what the host answers instead of doing what it was asked for.
type refusal struct {
	code    abi.Code
	message string
}

func (r *refusal) Error() string { return cmp.Or(r.message, r.code.Error()) }

func (r *refusal) Unwrap() error { return r.code }

// ask sends a request and waits for the answer's value.
func (c *connection) ask(r abi.Request) ([]byte, error) {
	var line bytes.Buffer
	encoder := json.NewEncoder(&line)
	encoder.SetEscapeHTML(false) // or it would change values
	if err := encoder.Encode(r); err != nil {
		return nil, fmt.Errorf("%w: %w", abi.Invalid, err)
	}
	return c.exchange(line.Bytes())
}

// tell is ask for what has no value to answer.
func (c *connection) tell(r abi.Request) error {
	_, err := c.ask(r)
	return err
}

// askWith is ask with a document, a JSON object with a member, for the fields.
func (c *connection) askWith(op string, document []byte) ([]byte, error) {
	line := append([]byte(`{"op":"`+op+`",`), bytes.TrimPrefix(document, []byte("{"))...)
	return c.exchange(append(line, '\n'))
}

func (c *connection) exchange(line []byte) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conn == nil {
		return nil, c.lost
	}
	// A host that refuses a line before its end has said so, and hung up.
	_, writeErr := c.conn.Write(line)
	data, err := c.answers.ReadBytes('\n')
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = errors.New("the host has closed it")
		}
		c.lose(cmp.Or(writeErr, err))
		return nil, c.lost
	}
	var answer abi.Answer
	if err := json.Unmarshal(data, &answer); err != nil {
		c.lose(fmt.Errorf("the host's answer: %w", err))
		return nil, c.lost
	}
	switch {
	case answer.OK:
		return answer.Value, nil
	case answer.Error == abi.WordPaused:
		os.Exit(abi.ExitPaused) // nothing after a pause runs, on any host
	}
	return nil, &refusal{abi.CodeOf(answer.Error), answer.Message}
}
