package engine

import "time"

// groupTimeout bounds a group; 0 is no bound. A map has none of its own.
func (r *Run) groupTimeout(g *groupRun) time.Duration {
	if g.isMap() {
		return 0
	}
	return time.Duration(r.vertices[g.vertex].group.Timeout)
}

// timeGroup starts the timer that bounds a group.
func (r *Run) timeGroup(g *groupRun) {
	d := r.groupTimeout(g)
	if d == 0 {
		return
	}
	if r.timed == nil {
		r.timed = map[string]timedGroup{}
	}
	g.expires = r.now.Time.Add(d)
	r.timed[g.act.id] = timedGroup{r, g}
	r.commands = append(r.commands, r.groupTimeoutOf(g))
}

// timedGroup is a group that has a timer.
type timedGroup struct {
	run   *Run
	group *groupRun
}

func (r *Run) groupTimeoutOf(g *groupRun) Command {
	return Command{Kind: CommandGroupTimeout, Activation: g.act.id, After: r.groupTimeout(g), At: g.expires}
}

// untimeGroup stops the timer of a group that has ended.
func (r *Run) untimeGroup(g *groupRun) {
	if g.expires.IsZero() {
		return
	}
	g.expires = time.Time{}
	delete(r.timed, g.act.id)
	r.commands = append(r.commands, Command{Kind: CommandForget, Activation: g.act.id})
}

// groupExpired fails a group that ran out of time. Its members are stopped at once.
func (r *Run) groupExpired(e *Event) bool {
	t, ok := r.timed[e.Activation]
	if !ok || t.group.verdict != Undecided {
		return false
	}
	run, g := t.run, t.group
	g.expired, g.verdict = true, Fail
	run.moved = true
	run.stopWhere(0, func(a *activation) bool { return a.scope.inside(g) })
	run.judge(g)
	return true
}

// groupTimer starts the timer that bounds a group.
func (o *Running) groupTimer(c Command) {
	at := c.At
	o.setTimer(c.Activation+"!"+KindTimeout, o.delay(&c), func() { o.expireGroup(c.Activation, at) })
}

// expireGroup is the end of a group's timer.
func (o *Running) expireGroup(activation string, at time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	t, ok := o.run.timed[activation]
	if o.closed() != nil || !ok || !t.group.expires.Equal(at) {
		return // of an earlier visit
	}
	err := o.giveUpOn(o.append(o.engine.ctx, &Event{Type: EventTimer, Activation: activation, Reason: KindTimeout}))
	if err != nil && o.engine.ctx.Err() == nil {
		o.engine.cfg.Logger.Error("expire a group", "run", o.id, "group", activation, "err", err)
	}
}
