package sdk

import (
	"encoding/json"
	"fmt"

	"github.com/graflow/graflow-wasm/sdk/abi"
)

// Secret is the secret of a name, if the task was granted it; else the error is
// [abi.NotFound] or [abi.Denied].
func (c *Context) Secret(name string) (string, error) {
	value, err := c.host.secret(name)
	if err != nil {
		return "", fmt.Errorf("secret %q: %w", name, err)
	}
	return string(value), nil
}

// HTTP sends a request under the attempt's egress rules and waits for the whole
// response. A status of 400 or more is no error.
func (c *Context) HTTP(req abi.HTTPRequest) (abi.HTTPResponse, error) {
	var resp abi.HTTPResponse
	data, err := json.Marshal(req)
	if err != nil {
		return resp, fmt.Errorf("encode request %s %s: %w", req.Method, req.URL, err)
	}
	answer, err := c.host.http(data)
	if err != nil {
		return resp, fmt.Errorf("request %s %s: %w", req.Method, req.URL, err)
	}
	if err := json.Unmarshal(answer, &resp); err != nil {
		return resp, fmt.Errorf("decode response of %s %s: %w", req.Method, req.URL, err)
	}
	return resp, nil
}

// Tool calls a tool that the embedder offers and decodes its answer into what
// into points to.
func (c *Context) Tool(name string, args, into any) error {
	data, err := json.Marshal(args)
	if err != nil {
		return fmt.Errorf("encode arguments of tool %q: %w", name, err)
	}
	answer, err := c.host.tool(name, data)
	if err != nil {
		return fmt.Errorf("tool %q: %w", name, err)
	}
	if err := json.Unmarshal(answer, into); err != nil {
		return fmt.Errorf("decode the answer of tool %q: %w", name, err)
	}
	return nil
}
