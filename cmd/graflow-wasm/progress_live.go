package main

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/term"
)

// redrawEvery is the shortest time between two drawings.
const redrawEvery = 100 * time.Millisecond

// live draws a tree in place on a terminal.
type live struct {
	out  *term.Output
	stop func() // ends the drawing goroutine and waits for it

	mu    sync.Mutex // guards the fields below
	tree  *tree
	above []string // lines to print above the tree at the next drawing
	drawn []string // lines of the tree on the screen
	still bool     // the terminal is others'
}

var _ progress = (*live)(nil)

func newLive(out *term.Output, t *tree) *live {
	l := &live{out: out, tree: t}
	done := make(chan struct{})
	var wait sync.WaitGroup
	wait.Go(func() {
		ticker := time.NewTicker(redrawEvery)
		defer ticker.Stop()
		for {
			select {
			case now := <-ticker.C:
				l.draw(now)
			case <-done:
				return
			}
		}
	})
	l.stop = func() {
		close(done)
		wait.Wait()
	}
	return l
}

// Observe implements progress.
func (l *live) Observe(n engine.Notice) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.still = false
	switch n.Type {
	case engine.NoticeTaskLog:
		l.above = append(l.above, n.Activation+" | "+printable(n.Message))
	case engine.NoticeWarning:
		l.above = append(l.above, "warning: "+oneLine(n.Message))
	default:
		l.tree.Observe(n)
	}
}

// Past implements progress.
func (l *live) Past(notices []engine.Notice) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, n := range notices {
		if n.Type != engine.NoticeTaskLog && n.Type != engine.NoticeWarning {
			l.tree.Observe(n)
		}
	}
}

// Suspend implements progress: what is drawn stays, and the tree is drawn anew
// below what others write.
func (l *live) Suspend() {
	l.draw(time.Now())
	l.mu.Lock()
	defer l.mu.Unlock()
	l.still, l.drawn = true, nil
}

// Close implements progress.
func (l *live) Close() {
	l.stop()
	l.draw(time.Now())
}

// draw replaces what it drew before.
func (l *live) draw(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.still {
		return
	}
	width, height := l.out.Size()
	var b strings.Builder
	if up := rowsOf(l.drawn, width); up > 0 {
		fmt.Fprintf(&b, "\x1b[%dA\r\x1b[J", up)
	}
	for _, text := range l.above {
		b.WriteString(text + "\n")
	}
	lines := l.tree.lines(now, width, max(2, height-1), l.out)
	for _, text := range lines {
		b.WriteString(text + "\n")
	}
	l.above, l.drawn = nil, lines
	fmt.Fprint(l.out, b.String())
}

// rowsOf is how many rows of a terminal lines take that were drawn when it was perhaps
// wider: most terminals break them then.
func rowsOf(lines []string, width int) int {
	rows := 0
	for _, text := range lines {
		rows += max(1, (term.Width(text)+width-1)/max(1, width))
	}
	return rows
}
