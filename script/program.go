package script

import (
	"encoding/json"
	"fmt"
	"unicode/utf8"

	"github.com/graflow/graflow-wasm/sdk/abi"
)

// program is what a runtime's task is given.
type program struct {
	Code     string                `json:"code"`
	File     string                `json:"file"`
	Language Language              `json:"language"`
	Input    json.RawMessage       `json:"input"`
	Meta     *abi.Meta             `json:"meta,omitempty"`
	Tools    []abi.TaskDescription `json:"tools,omitempty"`
	Path     []string              `json:"path,omitempty"` // of bundles
	Keep     bool                  `json:"keep,omitempty"` // what the code defines stays
	Argv     []string              `json:"argv,omitempty"`
	Erased   *string               `json:"erased,omitempty"` // the code without its types
}

// program is the document of a run's code.
func (r *run) program(code string, types *erasure) (json.RawMessage, error) {
	if !utf8.ValidString(code) {
		return nil, r.failure(Error{Kind: KindSyntax, Type: "SyntaxError", Message: "the code is not UTF-8"})
	}
	input, err := Encode(r.options.Input)
	if err != nil {
		return nil, fmt.Errorf("the input: %w", err)
	}
	document, err := json.Marshal(program{
		Code: code, File: r.options.File, Language: r.language, Input: input, Meta: r.options.Services.Meta,
		Tools: descriptions(r.options.Tools), Path: r.path, Keep: r.options.Session != nil, Argv: r.options.Args, Erased: types.text(),
	})
	if err != nil {
		return nil, fmt.Errorf("the document of a run: %w", err)
	}
	return document, nil
}

// outcome is what a runtime's task answers.
type outcome struct {
	Value json.RawMessage `json:"value"`
	Error *struct {
		Kind      string `json:"kind"`
		Type      string `json:"type"`
		Message   string `json:"message"`
		File      string `json:"file"`
		Line      int    `json:"line"`
		Column    int    `json:"column"`
		Traceback string `json:"traceback"`
	} `json:"error"`
}

// failure is the outcome's error, nil if it has none.
func (o outcome) failure() *Error {
	if o.Error == nil {
		return nil
	}
	e := o.Error
	return &Error{
		Kind: e.Kind, Type: e.Type, Message: e.Message,
		File: e.File, Line: max(0, e.Line), Column: max(0, e.Column), Traceback: e.Traceback,
	}
}
