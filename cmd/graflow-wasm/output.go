package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/graflow/graflow-wasm/internal/term"
)

// writeJSON writes v on one line.
func writeJSON(w io.Writer, v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("encode the output: %w", err)
	}
	_, err := w.Write(b.Bytes())
	return err
}

// writeJSONLines writes values as JSON, a line each.
func writeJSONLines[T any](w io.Writer, all []T) error {
	for _, v := range all {
		if err := writeJSON(w, v); err != nil {
			return err
		}
	}
	return nil
}

// writeIndented writes v as indented JSON, for eyes.
func writeIndented(w io.Writer, v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("encode the output: %w", err)
	}
	_, err := w.Write(b.Bytes())
	return err
}

// printable makes foreign text safe for a terminal: control characters, with
// which it could move the cursor or worse, become "\x1b" and the like.
func printable(text string) string { return term.Printable(text) }

// oneLine is printable text with its lines joined.
func oneLine(text string) string { return term.OneLine(text) }

// cut shortens text to width columns; below 1 it stays as it is.
func cut(text string, width int) string { return term.Cut(text, width) }
