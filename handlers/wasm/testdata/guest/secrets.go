package main

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/graflow/graflow-wasm/sdk"
	"github.com/graflow/graflow-wasm/sdk/abi"
)

type telling struct {
	Name   string   // of the secret
	Spaced bool     // told with a space after each character, which nobody finds
	Ways   []string // in which it is told
}

// tell tells a secret in ways that a result may go.
var tell = sdk.Task("tell", "tells a secret", func(c *sdk.Context, in telling) (any, error) {
	value, err := c.Secret(in.Name)
	if err != nil {
		return nil, err
	}
	if in.Spaced {
		value = strings.Join(strings.Split(value, ""), " ")
	}
	var out any
	for _, way := range in.Ways {
		switch way {
		case "log":
			c.Log("it is %s, or %q", value, value)
		case "progress":
			c.Progress(1, 2, "at "+value)
		case "result":
			out = map[string]any{"list": []string{"x", "key=" + value}}
		case "key":
			out = map[string]int{value: 1}
		case "message":
			err = sdk.Fail("sorry", "refused: %q", value)
		case "kind":
			err = sdk.Fail(value, "refused")
		case "panic":
			panic("told " + value)
		case "channel":
			err = c.Channel().Set("key", value)
		case "channel key":
			err = c.Channel().Set(value, 1)
		case "next":
			err = c.Spawn(abi.NextTask{ID: "next", Input: []byte(`"` + value + `"`)})
		case "next id":
			err = c.Spawn(abi.NextTask{ID: value})
		case "next spec":
			err = c.Spawn(abi.NextTask{ID: "next", Spec: []byte(`"#` + value + `"`)})
		case "iteration":
			err = c.NextIteration(value)
		case "terminate":
			err = c.Terminate("told " + value)
		case "cancel":
			err = c.Cancel("told " + value)
		case "checkpoint":
			err = c.Checkpoint(map[string]string{"key": value})
		case "checkpoint name":
			err = c.CheckpointAs(value, nil)
		case "pause message":
			err = c.Pause(abi.Pause{Name: "a", Message: "told " + value}, nil)
		case "pause name":
			err = c.Pause(abi.Pause{Name: value}, nil)
		case "pause schema":
			err = c.Pause(abi.Pause{Name: "a", Schema: quote(value)}, nil)
		case "pause default":
			err = c.Pause(abi.Pause{Name: "a", Timeout: 1, Default: quote(value)}, nil)
		default:
			err = errors.New("no way: " + way)
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
})

// quote is {"const": value}.
func quote(value string) json.RawMessage {
	data, err := json.Marshal(map[string]string{"const": value})
	if err != nil {
		panic(err) // a string
	}
	return data
}

//go:wasmexport tell
func _tell() int32 { return tell.Run() }
