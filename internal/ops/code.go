package ops

import (
	"context"
	"encoding/json"
)

// CodeRequest is code that nobody trusts, to be run once.
type CodeRequest struct {
	Language string            `json:"language"` // python, javascript or typescript
	Source   string            `json:"source"`
	File     string            `json:"file,omitempty"`  // what it is called in errors
	Input    json.RawMessage   `json:"input,omitempty"` // nil is null
	Files    map[string][]byte `json:"files,omitempty"` // found below /in
	FilesOut []string          `json:"files_out,omitempty"`
	Limits   json.RawMessage   `json:"limits,omitempty"` // as in a flow file; what exceeds the service's is that
}

// CodeResult is what code came to. Code that failed is one too.
type CodeResult struct {
	Status string            `json:"status"` // succeeded or failed
	Result json.RawMessage   `json:"result,omitempty"`
	Stdout string            `json:"stdout,omitempty"`
	Stderr string            `json:"stderr,omitempty"`
	Error  *CodeError        `json:"error,omitempty"`
	Files  map[string][]byte `json:"files,omitempty"`
	Ledger json.RawMessage   `json:"ledger,omitempty"` // a wasmhost.Ledger
	// Session is that which the code has gone on with, as it is kept now.
	Session *Session `json:"session,omitempty"`
}

// CodeError says how code failed, and where.
type CodeError struct {
	Kind      string `json:"kind"`
	Type      string `json:"type,omitempty"`
	Message   string `json:"message"`
	Line      int    `json:"line,omitempty"`
	Column    int    `json:"column,omitempty"`
	Traceback string `json:"traceback,omitempty"`
}

// Code runs code in a sandbox without any grant.
type Code interface {
	Run(ctx context.Context, r CodeRequest) (CodeResult, error)
}
