package builtin

import (
	"encoding/json"
	"math"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// function is a built-in task. One without parameters takes any input.
type function struct {
	params []param
	// run returns the task's value. What it asks for besides goes into
	// a.effects.
	run func(a *attempt, p params) (any, error)
	// check looks for what is wrong with parameters of which some may not be
	// known yet; nil finds nothing.
	check func(h *Handler, p params) error
}

// attempt is what a function works on.
type attempt struct {
	*Handler
	call    *engine.Call
	effects engine.Effects
}

var functions = map[string]function{
	"now":       {run: now},
	"uuid":      {run: uuid},
	"sleep":     {run: sleep, check: checkSleep, params: []param{{name: "duration"}}},
	"pause":     {run: pause, check: checkPause, params: pauseParams},
	"choice":    {run: choice, params: []param{{name: "items"}}},
	"randint":   {run: randint, params: []param{{name: "min"}, {name: "max"}}},
	"randrange": {run: randrange, params: []param{{name: "start", optional: true}, {name: "stop"}, {name: "step", optional: true}}},
}

func now(a *attempt, _ params) (any, error) {
	return a.now().UTC().Format(time.RFC3339Nano), nil
}

func uuid(a *attempt, _ params) (any, error) {
	return newUUID(a.random), nil
}

func choice(a *attempt, p params) (any, error) {
	var items []json.RawMessage
	if err := json.Unmarshal(p["items"], &items); err != nil || items == nil {
		return nil, badInput("parameter \"items\" is %s, want a list", shown(p["items"]))
	}
	if len(items) == 0 {
		return nil, badInput("parameter \"items\" is empty: there is nothing to choose from")
	}
	return items[a.random.Uint64N(uint64(len(items)))], nil
}

func randint(a *attempt, p params) (any, error) {
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
		return int64(a.random.Uint64()), nil
	}
	return int64(uint64(lowest) + a.random.Uint64N(span+1)), nil
}

func randrange(a *attempt, p params) (any, error) {
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
	steps := a.random.Uint64N((span-1)/stride + 1)
	return int64(uint64(start) + steps*uint64(step)), nil
}
