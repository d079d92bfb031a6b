package statedir

import (
	"fmt"
	"io"
	"os"
	"sync"
)

// maxSpare is the largest buffer that is kept for the next batch.
const maxSpare = 1 << 20

// appender writes records to the end of a file. Those that come while others are
// being synced wait and go together: one of the waiting writes for all.
type appender struct {
	sync Sync
	full func() error // called with mu held after a batch, to go on to another file
	most int64        // the size of a file from which on full is called
	mark func(m mark) // called with mu held before a batch, with its first record; nil: nobody wants to know

	mu     sync.Mutex // guards what follows, and the state that the records change
	moved  *sync.Cond // done, busy, syncs or err has changed
	opened bool
	gone   bool // its files were removed: whoever waited begins anew
	name   string
	file   file // nil: there is none yet
	size   int64
	buf    []byte // records that nobody writes yet
	spare  []byte
	next   uint64 // sequence of the next record
	done   uint64 // the last one that is stored
	synced uint64 // the last one that is synced
	busy   bool   // somebody writes, without mu
	syncs  bool   // somebody syncs beside those who write, without mu
	err    error  // of a write: nothing is stored any more
}

func (a *appender) init(s Sync) {
	a.sync, a.next = s, 1
	a.moved = sync.NewCond(&a.mu)
}

// push adds a record and returns its sequence. The caller holds mu, and has
// looked at err.
func (a *appender) push(payload []byte) uint64 {
	seq := a.next
	a.buf = appendRecord(a.buf, record{seq: seq, synced: a.synced, payload: payload})
	a.next++
	return seq
}

// wait returns when a record is stored. The caller holds mu, which is released
// meanwhile.
func (a *appender) wait(seq uint64) error {
	for a.done < seq {
		switch {
		case a.err != nil:
			return a.err
		case a.busy:
			a.moved.Wait()
		default:
			a.flush()
		}
	}
	return nil
}

// flush writes what is in buf. The caller holds mu, which is released meanwhile.
func (a *appender) flush() {
	buf, through := a.buf, a.next-1
	if a.mark != nil {
		a.mark(mark{a.done + 1, a.size})
	}
	a.buf, a.busy = a.spare[:0], true
	a.mu.Unlock()
	n, err := a.file.Write(buf)
	if err == nil && n < len(buf) {
		err = io.ErrShortWrite
	}
	if err == nil && a.sync == SyncAlways {
		err = a.file.Sync()
	}
	a.mu.Lock()
	a.busy = false
	a.size += int64(n)
	if a.spare = nil; cap(buf) <= maxSpare {
		a.spare = buf
	}
	if err != nil {
		a.fail(err)
		return
	}
	a.done = through
	if a.sync == SyncAlways {
		a.synced = through
	}
	a.moved.Broadcast()
	for a.size >= a.most && (a.busy || a.syncs) && a.err == nil {
		a.moved.Wait()
	}
	if a.size < a.most || a.err != nil || a.file == nil { // meanwhile another did it, or the run was forgotten
		return
	}
	if err := a.full(); err != nil {
		a.fail(err)
	}
}

// fail keeps anything from being stored any more: after a failed sync nobody can
// tell what is on the disk, and asking again may answer wrongly that all is.
func (a *appender) fail(err error) {
	a.err = fmt.Errorf("%s: %w (%w)", a.name, ErrFailed, err)
	a.moved.Broadcast()
}

func (a *appender) failed() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.err != nil
}

// settle returns when nobody writes or syncs, and nothing is left to write, unless
// writing has failed. The caller holds mu, which is released meanwhile.
func (a *appender) settle() {
	for {
		switch {
		case a.busy || a.syncs:
			a.moved.Wait()
		case len(a.buf) > 0 && a.err == nil:
			a.flush()
		default:
			return
		}
	}
}

// syncNow syncs what was stored without. Nobody waits for it, but who wants to go
// on to another file.
func (a *appender) syncNow() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.file == nil || a.synced == a.done || a.syncs || a.err != nil {
		return
	}
	f, through := a.file, a.done
	a.syncs = true
	a.mu.Unlock()
	err := f.Sync()
	a.mu.Lock()
	a.syncs = false
	if err != nil {
		a.fail(err)
		return
	}
	a.synced = max(a.synced, through)
	a.moved.Broadcast()
}

// switchTo goes on in another file, once the present one is synced. The caller
// holds mu; nobody writes.
func (a *appender) switchTo(f file, name string, size int64) error {
	if a.file != nil {
		if err := a.file.Close(); err != nil {
			return err
		}
	}
	a.file, a.name, a.size = f, name, size
	return nil
}

// close ends the use of the file. Nobody may be waiting.
func (a *appender) close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.settle()
	return a.closeFile()
}

// closeFile syncs what was not and closes. The caller holds mu and has settled.
func (a *appender) closeFile() error {
	if a.file == nil {
		return nil
	}
	var err error
	if a.sync == SyncInterval && a.synced < a.done && a.err == nil {
		err = a.file.Sync()
	}
	if closeErr := a.file.Close(); err == nil {
		err = closeErr
	}
	a.file, a.opened = nil, false
	return err
}

// truncate cuts a file, for good.
func truncate(name string, size int64) error {
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	err = f.Truncate(size)
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}
