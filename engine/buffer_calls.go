package engine

import (
	"fmt"
	"time"
)

// Calls calls tasks, all at once, and returns how they ended, in the order of the
// calls, and when. What was called before is answered from the record; without a
// record it is asked for, and answers is nil: the attempt is to end now, and what it
// returns is dropped. Calls other than those of the record are an error of
// KindDiverged.
func (b *Buffer) Calls(calls []TaskCall) (answers []TaskAnswer, at time.Time, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(calls) == 0 {
		return []TaskAnswer{}, b.call.Since, nil
	}
	if b.called == len(b.call.Called) {
		if b.effects.Calls == nil {
			b.effects.Calls = calls
		}
		return nil, time.Time{}, nil
	}
	c := b.call.Called[b.called]
	if !sameCalls(calls, c.Calls) {
		return nil, time.Time{}, &TaskError{Kind: KindDiverged, Permanent: true, Message: fmt.Sprintf(
			"task %q: executed again, its call %d is %s, and it was %s: its code, or what runs it, has changed, or does not depend on its input and its answers alone",
			b.call.Task.ID, b.called+1, describeCalls(calls, c.Calls), describeCalls(c.Calls, calls))}
	}
	b.called++
	return c.Answers, c.Time, nil
}

// describeCalls names the first of the calls that the others have not in its place,
// and the beginning of its input.
func describeCalls(calls, others []TaskCall) string {
	i := 0
	for i < len(calls)-1 && i < len(others) && sameCalls(calls[i:i+1], others[i:i+1]) {
		i++
	}
	text := fmt.Sprintf("%s(%s)", calls[i].ID, short(orNull(calls[i].Input)))
	if len(calls) > 1 {
		text += fmt.Sprintf(", one of %d at once", len(calls))
	}
	return text
}
