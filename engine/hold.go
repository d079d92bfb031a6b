package engine

import "slices"

// inOrder are the live activations in the order in which they became ready.
func (r *Run) inOrder() []*activation {
	all := make([]*activation, 0, len(r.live))
	for _, act := range r.live {
		all = append(all, act)
	}
	slices.SortFunc(all, func(a, b *activation) int {
		switch {
		case a.ordinal < b.ordinal:
			return -1
		case a.ordinal > b.ordinal:
			return 1
		}
		return compareIDs(a.id, b.id)
	})
	return all
}

// hold keeps anything new from beginning, or lets it begin again.
func (r *Run) hold(e *Event) bool {
	held := e.Type == EventHeld
	if r.top.verdict != nil || r.status != StatusRunning || r.held == held {
		return false
	}
	if !held {
		r.note(Notice{Type: NoticeRunReleased})
		r.letGo()
		return true
	}
	r.held = true
	r.note(Notice{Type: NoticeRunHeld, Message: e.Message})
	return true
}

// letGo sends what was held back on its way.
func (r *Run) letGo() {
	r.held = false
	for _, act := range r.heldBack.take() {
		if r.live[act.id] == act && act.pause == nil && !act.retrying {
			act.run.dispatch(act, act.delivery)
		}
	}
}
