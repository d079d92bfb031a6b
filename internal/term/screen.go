package term

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	xterm "github.com/charmbracelet/x/term"
	"github.com/muesli/cancelreader"
)

// What takes a terminal, and what gives it back: the other screen, no cursor, lines
// that are not wrapped; and the looks of before.
const (
	takeSequence    = "\x1b[?1049h\x1b[?25l\x1b[?7l"
	restoreSequence = "\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l"
)

// Screen is a terminal that a program has for itself: what it draws is on a screen of
// its own, keys come as they are pressed, and after Restore all is as it was. Whoever
// takes one restores it by defer, which a panic runs too; what signals do the program
// has to end by itself. It is safe for concurrent use.
type Screen struct {
	in, out *os.File
	keys    chan Key
	reader  cancelreader.CancelReader
	done    chan struct{} // closed by Restore
	reading sync.WaitGroup

	mu    sync.Mutex   // guards what follows
	state *xterm.State // before; nil: the terminal is as it was
	last  string       // what is drawn
}

// Take takes the terminal that two files are. It is an error if one is none.
func Take(in, out *os.File) (*Screen, error) {
	if !xterm.IsTerminal(out.Fd()) {
		return nil, errors.New("take the terminal: the output is none")
	}
	reader, err := cancelreader.NewReader(in)
	if err != nil {
		return nil, fmt.Errorf("take the terminal: %w", err)
	}
	s := &Screen{in: in, out: out, keys: make(chan Key), reader: reader, done: make(chan struct{})}
	if err := s.enter(); err != nil {
		_ = reader.Close() // nothing was read
		return nil, err
	}
	s.reading.Go(s.read)
	return s, nil
}

func (s *Screen) enter() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	state, err := xterm.MakeRaw(s.in.Fd())
	if err != nil {
		return fmt.Errorf("take the terminal: %w", err)
	}
	s.state, s.last = state, ""
	_, err = io.WriteString(s.out, takeSequence)
	return err
}

// leave makes the terminal what it was. It may be called again.
func (s *Screen) leave() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == nil {
		return nil
	}
	_, err := io.WriteString(s.out, restoreSequence)
	err = errors.Join(err, xterm.Restore(s.in.Fd(), s.state))
	s.state = nil
	return err
}

// Restore gives the terminal back as it was, and waits until no key is read any more.
// Only the first call does something.
func (s *Screen) Restore() error {
	err := s.leave()
	s.mu.Lock()
	select {
	case <-s.done:
		s.mu.Unlock()
		return err
	default:
	}
	close(s.done)
	s.mu.Unlock()
	if s.reader.Cancel() {
		s.reading.Wait()
	}
	return errors.Join(err, s.reader.Close())
}

// Keys are the keys that are pressed. The channel is closed when there will be none:
// the terminal is gone, or was restored.
func (s *Screen) Keys() <-chan Key { return s.keys }

func (s *Screen) read() {
	defer close(s.keys)
	data := make([]byte, 256)
	for {
		n, err := s.reader.Read(data)
		if err != nil || n == 0 {
			return
		}
		for rest := data[:n]; len(rest) > 0; {
			key, taken := decode(rest)
			rest = rest[taken:]
			if key == "" {
				continue
			}
			select {
			case s.keys <- key:
			case <-s.done:
				return
			}
		}
	}
}

// Size is that of the terminal now.
func (s *Screen) Size() (width, height int) { return sizeOf(s.out) }

// Draw shows lines in place of what was drawn before. The caller has cut them to the
// size. What is drawn already is not drawn again.
func (s *Screen) Draw(lines []string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	frame := strings.Join(lines, "\x1b[K\r\n")
	if s.state == nil || frame == s.last {
		return nil
	}
	s.last = frame
	// Between the first and the last, a terminal that knows it shows nothing half done.
	_, err := io.WriteString(s.out, "\x1b[?2026h\x1b[H"+frame+"\x1b[K\x1b[J\x1b[?2026l")
	return err
}

// Redraw has the next Draw draw whatever is drawn already.
func (s *Screen) Redraw() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = ""
}

// Suspend gives the terminal back while f runs, as while the program is stopped.
func (s *Screen) Suspend(f func()) error {
	err := s.leave()
	f()
	return errors.Join(err, s.enter())
}
