package receipt

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"slices"

	"github.com/graflow/graflow-wasm/engine"
)

// Steady runs an attempt as one that can be repeated to the unit of fuel: a task that is
// reproducible finds its input, and leaves its value, in the one form in which journals
// keep JSON. Else the bytes, and with them the fuel of who reads them, would depend on
// whether a value has been through a journal. Other tasks run as ever.
func Steady(ctx context.Context, h engine.Handler, call *engine.Call) (engine.Result, error) {
	if !bytes.Contains(call.Task.Grants, []byte("seeded")) || Judge(call.Task) != "" { // the former are the most
		return h.Handle(ctx, call)
	}
	c := *call
	c.Input = Journaled(call.Input)
	if len(call.Answers) > 0 {
		c.Answers = maps.Clone(call.Answers)
		for name, answer := range c.Answers {
			c.Answers[name] = Journaled(answer)
		}
	}
	c.Called = slices.Clone(call.Called)
	for i := range c.Called {
		c.Called[i].Answers = slices.Clone(c.Called[i].Answers)
		for n := range c.Called[i].Answers {
			a := &c.Called[i].Answers[n]
			a.Value = Journaled(a.Value)
		}
	}
	result, err := h.Handle(ctx, &c)
	result.Value = Journaled(result.Value)
	result.Effects = journaledEffects(result.Effects)
	return result, err
}

func journaledEffects(e engine.Effects) engine.Effects {
	e.Channel = slices.Clone(e.Channel)
	for i := range e.Channel {
		e.Channel[i].Value = Journaled(e.Channel[i].Value)
	}
	e.Next = slices.Clone(e.Next)
	for i := range e.Next {
		e.Next[i].Input = Journaled(e.Next[i].Input)
	}
	e.Calls = slices.Clone(e.Calls)
	for i := range e.Calls {
		e.Calls[i].Input = Journaled(e.Calls[i].Input)
	}
	if e.Iterate != nil {
		e.Iterate = &engine.Iteration{Data: Journaled(e.Iterate.Data)}
	}
	return e
}

// Journaled is a JSON value in the form in which journals keep it: that of json.Marshal,
// without white space, and with <, > and & escaped. What is no JSON stays as it is.
func Journaled(value json.RawMessage) json.RawMessage {
	if isJournaled(value) {
		return value
	}
	raw, err := json.Marshal(value)
	if err != nil {
		return value
	}
	return raw
}

// isJournaled tells that nothing is to be done, at a byte a time: that is most values.
func isJournaled(value []byte) bool {
	inText := false
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case c == '<' || c == '>' || c == '&' || c == 0xe2: // which begins U+2028
			return false
		case inText && c == '\\':
			i++
		case c == '"':
			inText = !inText
		case !inText && (c == ' ' || c == '\n' || c == '\t' || c == '\r'):
			return false
		}
	}
	return true
}
