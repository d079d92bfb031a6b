package script

import (
	"context"
	"encoding/json"
	"reflect"

	"github.com/graflow/graflow-wasm/sdk/abi"
)

// Tool is a function of the embedding program that code may call.
type Tool struct {
	// Name is what code calls. It is found as a global if it is an identifier, and
	// in tools in any case.
	Name string
	// Doc tells what it does.
	Doc string
	// Input is the JSON Schema (2020-12) of the arguments. Those that do not fit are
	// answered with an error of kind invalid_args, and Call is not called. Of an
	// object's properties, code may also give the values in their order. Empty: any
	// one value.
	Input json.RawMessage
	// Output is the JSON Schema of the value. One that does not fit becomes an error of
	// kind invalid_output. Empty: any.
	Output json.RawMessage
	// Call answers a call with any value that [Encode] takes. Where code makes several
	// calls at once, each has a goroutine of its own, up to 256 of them. It must return
	// when its context ends, at the latest when the run's time is up: code that waits for
	// it can't be stopped otherwise.
	//
	// An error is one that code can catch: that of an [*abi.ToolError] as it is, that
	// of an [abi.Code] by its word, of any other the kind is "error"; panics are
	// logged, and become errors, too. An error of wasmhost.ErrPaused ends the run.
	//
	// nil only describes a tool that Options.Services.Tools answers.
	Call func(ctx context.Context, args json.RawMessage) (any, error)
}

// Func makes a tool of a function, with schemas of its types: structs are objects, whose
// members are required unless they are pointers or have omitempty or omitzero, and
// described by their doc tags. Bytes and times are those of [Encode]. A function
// without arguments takes a struct{}.
func Func[In, Out any](name, doc string, f func(ctx context.Context, in In) (Out, error)) Tool {
	return Tool{
		Name: name, Doc: doc,
		Input: schemaOf(reflect.TypeFor[In](), true), Output: schemaOf(reflect.TypeFor[Out](), false),
		Call: func(ctx context.Context, args json.RawMessage) (any, error) {
			var in In
			if err := Decode(args, &in); err != nil {
				return nil, &abi.ToolError{Kind: abi.KindInvalidArgs, Message: err.Error()}
			}
			return f(ctx, in)
		},
	}
}
