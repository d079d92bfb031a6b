package meter

// region is a part of a function that is charged at once, where it begins: the
// function, a loop, or what follows a landing, each without those within it.
//
// A landing is the end of a block to which a br_table leads, or within which
// others are, if there are branches past it: what follows runs at times. It
// matters where a loop is a program of its own. Go's functions are loops
// around a br_table, and interpreters are. A landing is charged without a look
// at the fuel: code passes it once until a loop that looks goes around.
//
// What comes behind a block that doesn't end in a landing belongs to the
// region in which the block begins, since it can be reached only from there.
type region struct {
	cost       int64
	parent     int32 // whose charge covers this one if it has none
	owner      int32 // the loop around a landing or loop, or the function
	at         int32 // of a landing: where its end is in the code
	charged    bool  // false for loops that are not branched back to
	dispatches bool  // a loop that is nothing but a br_table to landings, which pay for it
	listed     bool  // a landing of that table
}

// add adds to what a region costs. With that, a loop that had come to its
// br_table does more than dispatch.
func (r *region) add(cost int64) {
	if cost > 0 {
		r.cost += cost
		r.dispatches = false
	}
}

func (r *region) landing() bool { return r.at > 0 }

// loops reports whether there are loops to charge for.
func (f *function) loops() bool {
	for i := range f.regions[1:] {
		if r := &f.regions[i+1]; r.charged && !r.landing() {
			return true
		}
	}
	return false
}

// entryCost is what a call costs that no caller pays for.
func (f *function) entryCost() int64 { return max(1, f.regions[0].cost) }

// loopPays reports whether the first loop charges for the function as well.
// Go's functions are such loops, because of how their stacks grow.
func (f *function) loopPays() bool {
	return f.leads && f.regions[1].charged && !f.folded
}

// price settles which regions of a function are charged, and what they cost
// with what is folded into them.
func (s *survey) price(f *function) {
	for _, c := range f.calls {
		if callee := &s.functions[c.callee]; callee.folded {
			f.regions[c.region].add(callee.regions[0].cost)
		}
	}
	s.total(f)
	for i := len(f.regions) - 1; i > 0; i-- {
		r := &f.regions[i]
		if r.landing() && !s.split(r.owner) {
			r.charged = false
		}
		if !r.charged {
			f.regions[r.parent].add(r.cost)
		}
	}
	f.dispatch(s)
	f.folded = !f.recursive && !f.escapes && s.totals[0] <= foldLimit
}

// total adds up what the function and each loop cost with their landings and
// with loops that are not branched back to.
func (s *survey) total(f *function) {
	s.totals = append(s.totals[:0], f.regions[0].cost)
	for i := range f.regions[1:] {
		r := &f.regions[i+1]
		if o := &f.regions[r.owner]; !o.charged {
			r.owner, r.listed = o.owner, false
		}
		s.totals = append(s.totals, 0)
		if r.charged && !r.landing() {
			s.totals[i+1] = r.cost
		} else {
			s.totals[r.owner] += r.cost
		}
	}
}

// split reports whether the landings of a loop, or the function, are charged.
func (s *survey) split(owner int32) bool {
	if owner == 0 {
		return s.totals[0] > foldLimit
	}
	return s.totals[owner] > splitLimit
}

// dispatch moves the cost of loops that only dispatch to their landings.
func (f *function) dispatch(s *survey) {
	for i := range f.regions[1:] {
		r := &f.regions[i+1]
		r.dispatches = r.dispatches && r.charged && s.split(int32(i+1))
		if r.listed && f.regions[r.owner].dispatches {
			r.cost += f.regions[r.owner].cost
		}
	}
}
