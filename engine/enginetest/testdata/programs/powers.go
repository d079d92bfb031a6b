package main

import (
	"encoding/json"
	"strings"

	"github.com/graflow/graflow-wasm/sdk"
	"github.com/graflow/graflow-wasm/sdk/abi"
)

var rebuild = sdk.Task("rebuild", "returns its input, taken apart and put together", func(_ *sdk.Context, in json.RawMessage) (any, error) {
	d := json.NewDecoder(strings.NewReader(string(in)))
	d.UseNumber()
	var v any
	err := d.Decode(&v)
	return v, err
})

//go:wasmexport rebuild
func _rebuild() int32 { return rebuild.Run() }

var secret = sdk.Task("secret", "returns a secret", func(c *sdk.Context, name string) (string, error) { return c.Secret(name) })

//go:wasmexport secret
func _secret() int32 { return secret.Run() }

type request struct {
	Method string            `json:"method"`
	URL    string            `json:"url"`
	Header map[string]string `json:"header,omitempty"`
	Text   string            `json:"text,omitempty"`
}

type response struct {
	Status int    `json:"status"`
	Kind   string `json:"kind"`
	Text   string `json:"text"`
}

var send = sdk.Task("http", "sends a request", func(c *sdk.Context, r request) (response, error) {
	got, err := c.HTTP(abi.HTTPRequest{Method: r.Method, URL: r.URL, Header: r.Header, Body: []byte(r.Text)})
	return response{Status: got.Status, Kind: strings.Join(got.Header["Content-Type"], ", "), Text: string(got.Body)}, err
})

//go:wasmexport http
func _http() int32 { return send.Run() }

var tool = sdk.Task("tool", "calls one tool", func(c *sdk.Context, call abi.ToolCall) (json.RawMessage, error) {
	var answer json.RawMessage
	err := c.Tool(call.Name, call.Args, &answer)
	return answer, err
})

//go:wasmexport tool
func _tool() int32 { return tool.Run() }

var tools = sdk.Task("tools", "calls several tools at once", func(c *sdk.Context, calls []abi.ToolCall) ([]any, error) {
	answers, err := c.Tools(calls...)
	var all []any
	for _, answer := range answers {
		if answer.Error != nil {
			all = append(all, answer.Error)
			continue
		}
		all = append(all, answer.Value)
	}
	return all, err
})

//go:wasmexport tools
func _tools() int32 { return tools.Run() }
