package engine

// waitlist holds activations that are ready and may not begin yet, in order. One
// can be taken off in no time; an activation is on one list at most.
type waitlist struct {
	acts []*activation
	size int // of acts, those that are still on the list
}

func (l *waitlist) add(act *activation) {
	act.list = l
	l.acts = append(l.acts, act)
	l.size++
}

// remove takes an activation off, and reports whether it was there.
func (l *waitlist) remove(act *activation) bool {
	if act.list != l {
		return false
	}
	act.list = nil
	l.size--
	return true
}

// take empties the list.
func (l *waitlist) take() []*activation {
	var all []*activation
	for _, act := range l.acts {
		if l.remove(act) {
			all = append(all, act)
		}
	}
	l.acts = nil
	return all
}

// first is the first one; nil is none.
func (l *waitlist) first() *activation {
	for _, act := range l.acts {
		if act.list == l {
			return act
		}
	}
	return nil
}
