package mcp

import (
	"fmt"
	"slices"
	"strings"

	"github.com/graflow/graflow-wasm/script"
)

// instructions tell a model what it can do here.
func instructions(config Config, modules []*moduleTool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "run_code runs %s in a sandbox that has nothing of the user's machine: no files but /in, /out and /tmp (in memory), no environment, no processes. %s\n",
		join(config.Languages, ", "), networkSentence(config))
	b.WriteString(`
The value of a run is the first of these that there is: the global variable "result"; what the function main(input) returns, if the code does not call main itself; the value of the last expression. It is returned as JSON: return plain data (numbers, strings, lists, objects), not functions, generators or other objects. Print only what you want to read as text. Dates come back as {"$time": …}, bytes as {"$bytes": base64}; NaN and infinities are refused.

Give data as "input" (any JSON value, a global variable of the code) or as "files" (found in /in). Files that the code writes to /out come back with the result, PNG, JPEG, GIF and WebP as images. Relative paths are below /tmp, which does not outlive the run.

Without "session" every run begins afresh. Runs with the same session name, in the same language, share variables, functions and imports, as the cells of a notebook do; "new": true in the result tells that nothing of earlier runs is there, "kept": false that the next one will find nothing. Sessions end with the connection, and may be dropped if they are large or not used for long.

An error has kind, message, line and traceback; correct the code and run it again. stdout and stderr are kept after a timeout.
`)
	if slices.Contains(config.Languages, script.Python) {
		b.WriteString(`
Python is CPython 3.13 with most of the standard library (json, re, math, statistics, decimal, datetime, itertools, collections, csv, dataclasses, asyncio, zipfile, hashlib, …). Top-level await works. Missing: numpy, pandas, matplotlib and all other native or third-party packages, pip, threads, subprocess, sockets, ssl, ctypes. For plots write SVG text to /out.
`)
	}
	if slices.Contains(config.Languages, script.JavaScript) || slices.Contains(config.Languages, script.TypeScript) {
		b.WriteString(`
JavaScript is QuickJS (ES2023): top-level await, console, setTimeout, URL, TextEncoder, structuredClone, crypto.randomUUID, fetch (to granted hosts), and readFile, writeFile, readdir from the module "graflow:fs". Missing: Node's modules, npm packages, the DOM, Intl beyond the basics, workers. TypeScript's types are removed, not checked.
`)
	}
	fmt.Fprintf(&b, "\nLimits of a run: %s, %d MiB of memory, %d KiB of value, %d KiB of printed text.\n",
		seconds(config.Limits.Timeout), config.Limits.Memory>>20, config.Limits.OutputBytes>>10, config.Limits.LogBytes>>10)
	if len(modules) > 0 {
		b.WriteString("\nThe other tools are tasks of WebAssembly modules, each run in a sandbox of its own.\n")
	}
	return b.String()
}

// networkSentence says what may be reached.
func networkSentence(config Config) string {
	if len(config.HTTP) == 0 {
		return "There is no network."
	}
	return "HTTP requests may go to " + strings.Join(config.HTTP, ", ") + " only."
}
