package mcp

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	protocol "github.com/modelcontextprotocol/go-sdk/mcp"
)

const (
	progressEvery = 100 * time.Millisecond // at most one notification
	maxProgress   = 4 << 10                // bytes of one; of more, the last
)

// progress tells a client that asked for it what a call prints. It never keeps the
// code waiting. A nil one tells nobody.
type progress struct {
	ctx     context.Context //nolint:containedctx // of the one request that it is part of
	request *protocol.CallToolRequest
	token   any
	wake    chan struct{} // there is something to tell
	done    chan struct{} // closed when there will be no more
	ended   chan struct{} // closed when all is told
	told    float64

	mu   sync.Mutex // guards text
	text []byte     // not told yet
}

// newProgress begins telling, if the client wants it. The caller ends it.
func newProgress(ctx context.Context, request *protocol.CallToolRequest) *progress {
	token := request.Params.GetProgressToken()
	if token == nil {
		return nil
	}
	p := &progress{ctx: ctx, request: request, token: token, wake: make(chan struct{}, 1), done: make(chan struct{}), ended: make(chan struct{})}
	go p.run()
	return p
}

// Write takes what was printed. It implements io.Writer.
func (p *progress) Write(text []byte) (int, error) {
	if p == nil {
		return len(text), nil
	}
	p.mu.Lock()
	p.text = append(p.text, text...)
	if over := len(p.text) - maxProgress; over > 0 {
		p.text = append(p.text[:0], p.text[over:]...)
	}
	p.mu.Unlock()
	select {
	case p.wake <- struct{}{}:
	default: // it knows
	}
	return len(text), nil
}

// step takes what code says of its progress itself.
func (p *progress) step(done, total float64, note string) {
	line := fmt.Sprintf("%g", done)
	if total > 0 {
		line += fmt.Sprintf(" of %g", total)
	}
	_, _ = p.Write([]byte(strings.TrimSpace(note+" "+line) + "\n")) // it can't fail
}

// end tells what is left, and waits for it, so that the result comes after it.
func (p *progress) end() {
	if p == nil {
		return
	}
	close(p.done)
	<-p.ended
}

func (p *progress) run() {
	defer close(p.ended)
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		select {
		case <-p.wake:
		case <-p.done:
			p.tell()
			return
		}
		p.tell()
		pause.Reset(progressEvery)
		select {
		case <-pause.C:
		case <-p.done:
		}
	}
}

func (p *progress) tell() {
	p.mu.Lock()
	text := strings.TrimRight(strings.ToValidUTF8(string(p.text), "\ufffd"), "\n")
	p.text = p.text[:0]
	p.mu.Unlock()
	if text == "" {
		return
	}
	p.told++
	_ = p.request.Session.NotifyProgress(p.ctx, &protocol.ProgressNotificationParams{ // the client may be gone
		ProgressToken: p.token, Progress: p.told, Message: text,
	})
}
