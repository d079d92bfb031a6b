package builtin

import (
	"context"
	"encoding/json"
	"math"
	"time"
)

// function is a built-in task. One without parameters takes any input.
type function struct {
	params []param
	run    func(ctx context.Context, h *Handler, p params) (any, error)
}

var functions = map[string]function{
	"now":       {run: now},
	"uuid":      {run: uuid},
	"sleep":     {run: sleep, params: []param{{name: "duration"}}},
	"choice":    {run: choice, params: []param{{name: "items"}}},
	"randint":   {run: randint, params: []param{{name: "min"}, {name: "max"}}},
	"randrange": {run: randrange, params: []param{{name: "start", optional: true}, {name: "stop"}, {name: "step", optional: true}}},
}

func now(_ context.Context, h *Handler, _ params) (any, error) {
	return h.now().UTC().Format(time.RFC3339Nano), nil
}

func uuid(_ context.Context, h *Handler, _ params) (any, error) {
	return newUUID(h.random), nil
}

// sleep waits. It tells the time by timers alone, not by Config.Now.
func sleep(ctx context.Context, _ *Handler, p params) (any, error) {
	d, err := p.duration("duration")
	if err != nil {
		return nil, err
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// duration is a parameter that is a duration as text, or a number of seconds.
func (p params) duration(name string) (time.Duration, error) {
	raw := p[name]
	var text string
	var seconds *float64
	d := time.Duration(-1)
	if json.Unmarshal(raw, &text) == nil && text != "" {
		parsed, err := time.ParseDuration(text)
		if err != nil {
			return 0, badInput("parameter %q is %s, want a number with a unit, as 300ms, 10s or 1h", name, shown(raw))
		}
		d = parsed
	} else if json.Unmarshal(raw, &seconds) == nil && seconds != nil && *seconds*1e9 < math.MaxInt64 {
		d = time.Duration(*seconds * 1e9)
	} else {
		return 0, badInput(`parameter %q is %s, want a duration as "10s", or a number of seconds`, name, shown(raw))
	}
	if d < 0 {
		return 0, badInput("parameter %q is %s, want 0 or more", name, shown(raw))
	}
	return d, nil
}

func choice(_ context.Context, h *Handler, p params) (any, error) {
	var items []json.RawMessage
	if err := json.Unmarshal(p["items"], &items); err != nil || items == nil {
		return nil, badInput("parameter \"items\" is %s, want a list", shown(p["items"]))
	}
	if len(items) == 0 {
		return nil, badInput("parameter \"items\" is empty: there is nothing to choose from")
	}
	return items[h.random.Uint64N(uint64(len(items)))], nil
}

func randint(_ context.Context, h *Handler, p params) (any, error) {
	lowest, err := p.integer("min", 0)
	if err != nil {
		return nil, err
	}
	highest, err := p.integer("max", 0)
	if err != nil {
		return nil, err
	}
	if lowest > highest {
		return nil, badInput("\"min\" %d is greater than \"max\" %d", lowest, highest)
	}
	// Unsigned arithmetic wraps, so that the widest ranges work too.
	span := uint64(highest) - uint64(lowest)
	if span == math.MaxUint64 {
		return int64(h.random.Uint64()), nil
	}
	return int64(uint64(lowest) + h.random.Uint64N(span+1)), nil
}

func randrange(_ context.Context, h *Handler, p params) (any, error) {
	start, err := p.integer("start", 0)
	if err != nil {
		return nil, err
	}
	stop, err := p.integer("stop", 0)
	if err != nil {
		return nil, err
	}
	step, err := p.integer("step", 1)
	if err != nil {
		return nil, err
	}
	var span, stride uint64
	switch {
	case step == 0:
		return nil, badInput("parameter \"step\" is 0")
	case step > 0 && start < stop:
		span, stride = uint64(stop)-uint64(start), uint64(step)
	case step < 0 && start > stop:
		span, stride = uint64(start)-uint64(stop), -uint64(step)
	default:
		return nil, badInput("the range from %d to %d by %d is empty", start, stop, step)
	}
	steps := h.random.Uint64N((span-1)/stride + 1)
	return int64(uint64(start) + steps*uint64(step)), nil
}
