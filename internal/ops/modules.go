package ops

import (
	"context"
	"encoding/json"
	"io"
	"time"
)

// Module is a module in the registry.
type Module struct {
	Name         string       `json:"name"`
	Version      string       `json:"version"`
	Digest       string       `json:"digest"` // sha256:…
	Size         int64        `json:"size"`   // in bytes
	ABI          string       `json:"abi,omitempty"`
	Tasks        []ModuleTask `json:"tasks"`
	Capabilities []string     `json:"capabilities"` // what it asks for, and gets only by a grant
	Pushed       time.Time    `json:"pushed"`
	By           string       `json:"by,omitempty"`
	Signed       string       `json:"signed,omitempty"` // the public key that signed it; "" is not signed
	Forged       bool         `json:"forged,omitempty"` // its signature does not fit
	Signature    []byte       `json:"signature,omitempty"`
	// Description is what the sandbox tells of it, as `module show -o json`; of Show.
	Description json.RawMessage `json:"description,omitempty"`
}

// ModuleTask is a task that a module has.
type ModuleTask struct {
	Name   string          `json:"name"`
	Doc    string          `json:"doc,omitempty"`
	Input  json.RawMessage `json:"input,omitempty"`  // JSON Schema
	Output json.RawMessage `json:"output,omitempty"` // likewise
}

// ModulePush names a module that is pushed.
type ModulePush struct {
	Name, Version string // Version "" is the beginning of the digest
	By            string
	Signer        []byte // an Ed25519 public key; nil: not signed
	Signature     []byte // by it, see docs/modules.md
	Local         bool   // it came with a run, and has no name
}

// Modules is the registry of modules. A ref is NAME, NAME@VERSION or sha256:…;
// without a module of it the error is engine.ErrNotFound.
type Modules interface {
	// List lists modules by name, with those that came with runs if local.
	List(ctx context.Context, local bool) ([]Module, error)
	Show(ctx context.Context, ref string) (Module, error)
	// Push has the sandbox admit a module, and stores it. An *Invalid says why the
	// sandbox refuses it, ErrTaken that the version is there with other bytes.
	Push(ctx context.Context, p ModulePush, code []byte) (Module, error)
	// Open reads a module's bytes, which were compared with its digest.
	Open(ctx context.Context, ref string) (io.ReadCloser, error)
	Remove(ctx context.Context, ref string) error
}
