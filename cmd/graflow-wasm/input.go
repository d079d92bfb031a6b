package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
)

// inputOf is the run's input: --input, with each --set put into it. Without
// either it is nil.
func inputOf(stdin io.Reader, source string, sets []string) (json.RawMessage, error) {
	input, err := readInput(stdin, "input", source)
	if err != nil || len(sets) == 0 {
		return input, err
	}
	var root any = map[string]any{}
	if input != nil {
		if err := json.Unmarshal(input, &root); err != nil {
			return nil, usagef("decode the input: %w", err)
		}
	}
	object, ok := root.(map[string]any)
	if !ok {
		return nil, usagef("set values in the input: it is not an object; leave out --set, or give --input an object")
	}
	for _, set := range sets {
		if err := setValue(object, set); err != nil {
			return nil, err
		}
	}
	return json.Marshal(object)
}

// readInput reads JSON from the flag itself, from @FILE, or from stdin for "-". what
// is what errors call it.
func readInput(stdin io.Reader, what, source string) (json.RawMessage, error) {
	if source == "" {
		return nil, nil
	}
	data, from, err := []byte(source), "the command line", error(nil)
	switch file, isFile := strings.CutPrefix(source, "@"); {
	case source == "-":
		from = "standard input"
		data, err = io.ReadAll(stdin)
	case isFile:
		from = file
		data, err = os.ReadFile(file)
	}
	if err != nil {
		return nil, usagef("read the %s: %w; give a file that is there as @FILE, or the JSON itself", what, err)
	}
	if err := checkJSON(data); err != nil {
		return nil, usagef("read the %s from %s: %w; text needs quotes, as in '\"text\"', a file an @ in front", what, from, err)
	}
	return data, nil
}

// checkJSON says where data stops being JSON.
func checkJSON(data []byte) error {
	var value json.RawMessage
	if err := json.Unmarshal(data, &value); err != nil {
		return fmt.Errorf("not JSON: %w", err)
	}
	return nil
}

// setValue puts key=value into object; dots in the key name nested objects.
func setValue(object map[string]any, set string) error {
	key, text, ok := strings.Cut(set, "=")
	if !ok || key == "" {
		return usagef("set %q in the input: want key=value", set)
	}
	var value any
	if json.Unmarshal([]byte(text), &value) != nil {
		value = text
	} else {
		value = json.RawMessage(text) // numbers stay as they are written
	}
	path := strings.Split(key, ".")
	for i, name := range path[:len(path)-1] {
		inner, ok := object[name].(map[string]any)
		if !ok && object[name] != nil {
			return usagef("set %q in the input: %s is not an object", set, strings.Join(path[:i+1], "."))
		}
		if !ok {
			inner = map[string]any{}
			object[name] = inner
		}
		object = inner
	}
	object[path[len(path)-1]] = value
	return nil
}
