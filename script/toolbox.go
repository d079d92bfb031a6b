package script

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"github.com/graflow/graflow-wasm/sdk/abi"
	"github.com/graflow/graflow-wasm/wasmhost"
)

const (
	// maxAtOnce is how many calls of tools of one run are made at once; of more that
	// code makes at once, the others wait.
	maxAtOnce = 256
	// maxAnswerBytes bounds the answers of the calls that code makes at once.
	maxAnswerBytes = 64 << 20
	// sleepTool is how code asks to sleep where that can be recorded.
	sleepTool = "graflow.sleep"
)

// toolbox answers the calls of tools of one run.
type toolbox struct {
	tools map[string]*namedTool
	rest  wasmhost.Tools // answers those that have no Call; may be nil
	log   *slog.Logger
	made  map[string]int // calls by name; of the run's goroutine
}

var _ wasmhost.ToolBatch = (*toolbox)(nil)

// namedTool is a tool with its schemas compiled; nil takes anything.
type namedTool struct {
	Tool
	input, output *checker
	takesObject   bool
}

// newToolbox checks the tools of a run.
func (s *Sandbox) newToolbox(tools []Tool, rest wasmhost.Tools) (*toolbox, error) {
	b := &toolbox{tools: make(map[string]*namedTool, len(tools)), rest: rest, log: s.log, made: map[string]int{}}
	for i, t := range tools {
		switch {
		case t.Name == "":
			return nil, fmt.Errorf("tool %d has no name", i+1)
		case b.tools[t.Name] != nil:
			return nil, fmt.Errorf("two tools have the name %q", t.Name)
		case t.Call == nil && rest == nil:
			return nil, fmt.Errorf("tool %q has no Call, and no Services.Tools answers it", t.Name)
		}
		named := &namedTool{Tool: t}
		var err error
		if named.input, err = s.schemas.compile(t.Input); err != nil {
			return nil, fmt.Errorf("tool %q: schema of its input: %w", t.Name, err)
		}
		if named.output, err = s.schemas.compile(t.Output); err != nil {
			return nil, fmt.Errorf("tool %q: schema of its output: %w", t.Name, err)
		}
		named.takesObject = isObject(t.Input)
		b.tools[t.Name] = named
	}
	return b, nil
}

// isObject tells that a schema is one of objects, and of nothing else.
func isObject(schema json.RawMessage) bool {
	var s struct {
		Type any `json:"type"`
	}
	return json.Unmarshal(schema, &s) == nil && s.Type == "object"
}

// descriptions is what code is told of the tools, in their order.
func descriptions(tools []Tool) []abi.TaskDescription {
	var all []abi.TaskDescription
	for _, t := range tools {
		all = append(all, abi.TaskDescription{Name: t.Name, Doc: t.Doc, Input: t.Input, Output: t.Output})
	}
	return all
}

// grants are the names that the host lets through to the toolbox, which itself says
// what there is not.
func (b *toolbox) grants(given []string) []string {
	if b.rest == nil {
		return []string{"*"}
	}
	names := slices.Clone(given)
	for name := range b.tools {
		names = append(names, name)
	}
	return append(names, sleepTool)
}

// CallTool implements wasmhost.Tools.
func (b *toolbox) CallTool(ctx context.Context, name string, args json.RawMessage) (json.RawMessage, error) {
	return wasmhost.CallOne(ctx, b, name, args)
}

// CallTools implements wasmhost.ToolBatch.
func (b *toolbox) CallTools(ctx context.Context, calls []abi.ToolCall) ([]abi.ToolAnswer, error) {
	answers, errs := make([]abi.ToolAnswer, len(calls)), make([]error, len(calls))
	var elsewhere []int // calls for others to answer
	var going sync.WaitGroup
	slots := make(chan struct{}, min(len(calls), maxAtOnce))
	for i := range calls {
		call := &calls[i]
		tool := b.tools[call.Name]
		if tool != nil {
			b.made[call.Name]++
		}
		if answers[i].Error = b.refusal(tool, call); answers[i].Error != nil {
			continue
		}
		if tool == nil || tool.Call == nil {
			elsewhere = append(elsewhere, i)
			continue
		}
		if len(calls) == 1 {
			answers[i], errs[i] = b.call(ctx, tool, call.Args)
			continue
		}
		slots <- struct{}{}
		going.Go(func() {
			defer func() { <-slots }()
			answers[i], errs[i] = b.call(ctx, tool, call.Args)
		})
	}
	err := b.callRest(ctx, calls, elsewhere, answers)
	going.Wait()
	if ctx.Err() != nil { // what was answered came too late
		return nil, ctx.Err()
	}
	bound(answers)
	return answers, errors.Join(append(errs, err)...)
}

// bound drops answers that are too much together.
func bound(answers []abi.ToolAnswer) {
	sum := 0
	for i := range answers {
		if sum += len(answers[i].Value); sum > maxAnswerBytes {
			answers[i] = abi.ToolAnswer{Error: &abi.ToolError{
				Kind: abi.TooLarge.Word(), Message: fmt.Sprintf("what is answered at once exceeds %d bytes", maxAnswerBytes),
			}}
		}
	}
}

// refusal says why a call is not made, nil if it is.
func (b *toolbox) refusal(tool *namedTool, call *abi.ToolCall) *abi.ToolError {
	switch {
	case tool == nil && b.rest == nil:
		return &abi.ToolError{Kind: abi.NotFound.Word(), Message: fmt.Sprintf("there is no tool %.64q; %s", call.Name, b.offer())}
	case tool == nil:
		return nil
	}
	if absent := len(call.Args) == 0 || string(call.Args) == "null"; absent && tool.takesObject {
		call.Args = json.RawMessage("{}")
	}
	if tool.input == nil {
		return nil
	}
	fault := ""
	if tree, err := parse(call.Args); err != nil {
		fault = err.Error()
	} else {
		fault = misfits(tool.input, tree)
	}
	if fault == "" {
		return nil
	}
	return &abi.ToolError{Kind: abi.KindInvalidArgs, Message: fmt.Sprintf("tool %q: %s", call.Name, fault)}
}

// offer names the tools that there are.
func (b *toolbox) offer() string {
	names := make([]string, 0, len(b.tools))
	for name := range b.tools {
		names = append(names, name)
	}
	if len(names) == 0 {
		return "there are none"
	}
	slices.Sort(names)
	const most = 20
	if len(names) > most {
		names = append(names[:most], "…")
	}
	return "there are: " + strings.Join(names, ", ")
}

// callRest has the calls at the places answered by the embedder's own service.
func (b *toolbox) callRest(ctx context.Context, calls []abi.ToolCall, places []int, answers []abi.ToolAnswer) error {
	if len(places) == 0 {
		return nil
	}
	asked := make([]abi.ToolCall, len(places))
	for i, place := range places {
		asked[i] = calls[place]
	}
	given, err := wasmhost.CallAll(ctx, b.rest, asked)
	if err != nil {
		return err
	}
	for i, place := range places {
		answers[place] = given[i]
		if tool := b.tools[calls[place].Name]; tool != nil && given[i].Error == nil {
			answers[place] = tool.checked(given[i].Value)
		}
	}
	return nil
}
