// Package mcp serves code execution, and tasks of WebAssembly modules, to clients of
// the Model Context Protocol, such as assistants.
//
//	server, err := mcp.New(ctx, mcp.Config{Sandbox: sandbox})
//	if err != nil { … }
//	defer server.Close()
//	err = server.ServeStdio(ctx, os.Stdin, os.Stdout) // or http.Serve(listener, server.Handler(mcp.HTTP{}))
//
// The tool run_code runs Python, JavaScript and TypeScript in a script.Sandbox. What
// code does wrong, or a limit ends, is a result of the tool that says so; errors of the
// protocol are for what is no such call. Each client has named sessions of its own, in
// which code finds what earlier code has defined; they end with the connection. Every
// task of Config.Modules is a tool, too.
//
// A Server bounds what its clients can make it do: how many calls run at once and
// wait, how many clients there are, what their sessions hold, how long messages are.
//
// The package knows no graphs, runs or queues, and opens no files and no ports.
package mcp
