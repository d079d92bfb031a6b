package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/graflow/graflow-wasm/handlers/wasm"
	"github.com/graflow/graflow-wasm/internal/mcp"
	"github.com/graflow/graflow-wasm/script"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// server makes the server, with its modules.
func (o *mcpOptions) server(ctx context.Context, host *wasmhost.Host, cacheDir string, sandbox *script.Sandbox) (*mcp.Server, error) {
	config, err := o.config()
	if err != nil {
		return nil, err
	}
	config.Sandbox = sandbox
	if config.Modules, err = compileServed(ctx, host, &wasm.Files{CacheDir: cacheDir}, o.modules); err != nil {
		return nil, err
	}
	server, err := mcp.New(ctx, config)
	if err != nil && ctx.Err() != nil {
		return nil, fmt.Errorf("mcp: %w", context.Cause(ctx))
	}
	if err != nil {
		return nil, usagef("mcp: %w", err)
	}
	return server, nil
}

// compileServed compiles modules, FILE or FILE#TASK each, every file once.
func compileServed(ctx context.Context, host *wasmhost.Host, files wasm.Modules, references []string) ([]mcp.Module, error) {
	compiled := map[string]*wasmhost.Module{}
	var modules []mcp.Module
	for _, reference := range references {
		file, task, _ := strings.Cut(reference, "#")
		m := compiled[file]
		if m == nil {
			code, _, err := files.Load(ctx, file)
			if err != nil {
				return nil, usagef("mcp: --module %s: %w", reference, err)
			}
			if m, err = host.Compile(ctx, code); err != nil {
				return nil, usagef("mcp: --module %s: %w", reference, err)
			}
			compiled[file] = m
		}
		name := strings.TrimSuffix(filepath.Base(file), ".wasm")
		modules = append(modules, mcp.Module{Name: name, Task: task, Code: m})
	}
	return modules, nil
}
