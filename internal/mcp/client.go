package mcp

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"

	protocol "github.com/modelcontextprotocol/go-sdk/mcp"
)

// client is one connection, and what is kept for it.
type client struct {
	gone chan struct{} // closed at the connection's end
	end  func()        // closes it
}

var errGone = errors.New("the client is gone")

// clientOf is the client of a connection. What is kept for it goes when it ends.
func (s *Server) clientOf(session *protocol.ServerSession) *client {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c, ok := s.clients[session]; ok {
		return c
	}
	c := &client{gone: make(chan struct{})}
	c.end = sync.OnceFunc(func() { close(c.gone) })
	s.clients[session] = c
	s.wait.Go(func() {
		_ = session.Wait() // however it ended
		c.end()
		s.mu.Lock()
		delete(s.clients, session)
		s.mu.Unlock()
		s.cells.drop(c)
	})
	return c
}

// hangUp stops the calls of a client who says that he goes.
func (s *Server) hangUp(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for session, c := range s.clients {
		if session.ID() == id {
			c.end()
		}
	}
}

// call is one call of a tool on its way.
type call struct {
	client   *client
	request  *protocol.CallToolRequest
	progress *progress
}

// toolCall does a call. An error is none of the protocol: a client's model reads it.
type toolCall func(ctx context.Context, c *call) *protocol.CallToolResult

// serveTool makes a handler of the protocol.
func (s *Server) serveTool(do toolCall) protocol.ToolHandler {
	return func(ctx context.Context, request *protocol.CallToolRequest) (*protocol.CallToolResult, error) {
		if err := s.begin(); err != nil {
			return refused("closing", err), nil //nolint:nilerr // it is the result
		}
		defer s.end()
		c := &call{client: s.clientOf(request.Session), request: request}
		c.progress = newProgress(ctx, request)
		running, cancel := s.whileWanted(ctx, c.client)
		result := s.safely(func() *protocol.CallToolResult { return do(running, c) })
		cancel()
		c.progress.end()
		return result, nil
	}
}

// safely makes a result of a panic: other clients are not to suffer from it.
func (s *Server) safely(do func() *protocol.CallToolResult) (result *protocol.CallToolResult) {
	defer func() {
		if p := recover(); p != nil {
			s.config.Logger.Error("a call has panicked", "err", fmt.Sprint(p), "stack", string(debug.Stack()))
			result = refused("internal", errors.New("the server has a fault; its log tells more"))
		}
	}()
	return do()
}

// whileWanted is a context that ends when nobody wants a client's call any more, with
// the reason. The caller calls cancel, which frees what that takes.
func (s *Server) whileWanted(ctx context.Context, c *client) (running context.Context, cancel func()) {
	running, end := context.WithCancelCause(ctx)
	var watching sync.WaitGroup
	watching.Go(func() {
		select {
		case <-c.gone:
			end(errGone)
		case <-s.stopped:
			end(errClosing)
		case <-running.Done():
		}
	})
	return running, func() {
		end(nil)
		watching.Wait()
	}
}
