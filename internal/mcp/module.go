package mcp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/graflow/graflow-wasm/sdk/abi"
	"github.com/graflow/graflow-wasm/wasmhost"
	protocol "github.com/modelcontextprotocol/go-sdk/mcp"
)

// Module is a WebAssembly module whose tasks are served as tools.
type Module struct {
	// Name is what it is called in the names of tools, where those of tasks alone are
	// not unique, and in messages.
	Name string
	// Task is the only one that is served. Empty: all.
	Task string
	// Code is the module, as a *wasmhost.Module is.
	Code Code
}

// Code is a compiled module.
type Code interface {
	// Tasks describes the tasks that it exports.
	Tasks(ctx context.Context) ([]abi.TaskDescription, error)
	// Call executes one, as [wasmhost.Module.Call].
	Call(ctx context.Context, export string, input []byte, options wasmhost.Options) (wasmhost.Result, error)
}

var _ Code = (*wasmhost.Module)(nil)

// moduleTool is one task of a module as a tool.
type moduleTool struct {
	tool   *protocol.Tool
	module Module
	task   abi.TaskDescription
	input  wrapping
	output wrapping
}

// moduleTools are the tools of all modules, in order.
func moduleTools(ctx context.Context, modules []Module) ([]*moduleTool, error) {
	var tools []*moduleTool
	names := newNames("run_code")
	for _, m := range modules {
		tasks, err := m.tasks(ctx)
		if err != nil {
			return nil, err
		}
		for _, task := range tasks {
			t, err := newModuleTool(m, task)
			if err != nil {
				return nil, fmt.Errorf("module %s#%s: %w", m.Name, task.Name, err)
			}
			t.tool.Name = names.unique(m.Name, task.Name)
			tools = append(tools, t)
		}
	}
	return tools, nil
}

// tasks are those that are served.
func (m Module) tasks(ctx context.Context) ([]abi.TaskDescription, error) {
	all, err := m.Code.Tasks(ctx)
	if err != nil {
		return nil, fmt.Errorf("describe the tasks of module %s: %w", m.Name, err)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("module %s exports no tasks", m.Name)
	}
	if m.Task == "" {
		return all, nil
	}
	names := make([]string, len(all))
	for i, task := range all {
		if task.Name == m.Task {
			return []abi.TaskDescription{task}, nil
		}
		names[i] = task.Name
	}
	return nil, fmt.Errorf("module %s has no task %q; it has %s", m.Name, m.Task, strings.Join(names, ", "))
}

func newModuleTool(m Module, task abi.TaskDescription) (*moduleTool, error) {
	t := &moduleTool{module: m, task: task}
	var err error
	if t.input, err = wrap(task.Input, "input"); err != nil {
		return nil, fmt.Errorf("its input schema: %w", err)
	}
	if t.output, err = wrap(task.Output, "value"); err != nil {
		return nil, fmt.Errorf("its output schema: %w", err)
	}
	doc := task.Doc
	if doc == "" {
		doc = fmt.Sprintf("Task %s of the WebAssembly module %s, run in a sandbox.", task.Name, m.Name)
	}
	t.tool = &protocol.Tool{Description: doc, InputSchema: t.input.schema, OutputSchema: t.output.schema}
	return t, nil
}

// moduleCall is the call of a module's tool.
func (s *Server) moduleCall(t *moduleTool) toolCall {
	return func(ctx context.Context, c *call) *protocol.CallToolResult {
		input, err := t.input.unwrap(c.request.Params.Arguments)
		if err == nil && s.config.Check != nil && len(t.task.Input) > 0 {
			err = s.config.Check(t.task.Input, input)
		}
		if err != nil {
			return moduleFailed(&failure{Kind: "invalid_args", Message: err.Error()}, nil)
		}
		release, err := s.slots.take(ctx)
		if err != nil {
			return moduleFailed(failureOf(err), nil)
		}
		defer release()
		var out printed
		result, err := t.module.Code.Call(ctx, t.task.Name, input, wasmhost.Options{
			Name: t.module.Name, Limits: s.config.Limits, Grants: s.grants(), Services: c.services(&out),
		})
		if err != nil {
			return moduleFailed(trapOf(err), &out)
		}
		return t.succeeded(result.Output)
	}
}

// services are what a module's task may ask for.
func (c *call) services(out *printed) wasmhost.Services {
	return wasmhost.Services{
		Log: func(level slog.Level, line string) {
			out.log(level, line)
			_, _ = fmt.Fprintln(c.progress, line) // it can't fail
		},
		Progress: c.progress.step,
	}
}

func (t *moduleTool) succeeded(output json.RawMessage) *protocol.CallToolResult {
	if len(output) == 0 {
		output = json.RawMessage("null")
	}
	value := t.output.wrap(output)
	return &protocol.CallToolResult{Content: []protocol.Content{jsonText(value)}, StructuredContent: value}
}

// trapOf tells the failure of a task.
func trapOf(err error) *failure {
	if trap, ok := errors.AsType[*wasmhost.TrapError](err); ok {
		return &failure{Kind: trap.Kind, Message: trap.Message, Traceback: strings.Join(trap.Stack, "\n")}
	}
	return failureOf(err)
}

// moduleFailed is a result that a model reads: the schema of the tool is for values.
func moduleFailed(f *failure, out *printed) *protocol.CallToolResult {
	report := struct {
		Error *failure `json:"error"`
		Log   string   `json:"log,omitempty"`
	}{Error: f}
	if out != nil {
		report.Log = text(&out.stderr)
	}
	return &protocol.CallToolResult{Content: []protocol.Content{jsonText(report)}, IsError: true}
}
