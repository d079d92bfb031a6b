package sdk_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"testing"

	"github.com/graflow/graflow-wasm/sdk"
	"github.com/graflow/graflow-wasm/sdk/abi"
)

func TestTools(t *testing.T) {
	t.Parallel()
	lost := errors.New("lost")
	l := sdk.NewLocal(sdk.LocalConfig{Tools: map[string]func(json.RawMessage) (json.RawMessage, error){
		"echo": func(args json.RawMessage) (json.RawMessage, error) { return args, nil },
		"fail": func(json.RawMessage) (json.RawMessage, error) {
			return nil, &abi.ToolError{Kind: "busy", Message: "later"}
		},
		"lose": func(json.RawMessage) (json.RawMessage, error) { return nil, lost },
	}})
	do(t, l, func(c *sdk.Context) error {
		got, err := c.Tools(abi.ToolCall{Name: "fail"}, abi.ToolCall{Name: "echo", Args: json.RawMessage(`[1]`)}, abi.ToolCall{Name: "none"}, abi.ToolCall{Name: "echo"})
		want := []abi.ToolAnswer{
			{Error: &abi.ToolError{Kind: "busy", Message: "later"}},
			{Value: json.RawMessage(`[1]`)},
			{Error: &abi.ToolError{Kind: "not_found", Message: "not found"}},
			{Value: json.RawMessage(`null`)},
		}
		if !reflect.DeepEqual(got, want) || err != nil {
			t.Errorf("got %+v, %v, want %+v", got, err, want)
		}
		if got, err := c.Tools(); len(got) != 0 || err != nil {
			t.Errorf("no calls: got %+v, %v", got, err)
		}
		if _, err := c.Tools(abi.ToolCall{Name: "echo"}, abi.ToolCall{Name: "lose"}); !errors.Is(err, lost) {
			t.Errorf("got %v, want the error that is no tool's", err)
		}
		return nil
	})
}
