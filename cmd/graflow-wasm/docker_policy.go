package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/graflow/graflow-wasm/handlers/docker"
)

// maxPolicyBytes bounds the file of a policy.
const maxPolicyBytes = 1 << 20

// readDockerPolicy reads a policy from a file in YAML, of which JSON is a part. All
// that is wrong is told, with its place in the file.
func readDockerPolicy(name string) (docker.Policy, error) {
	text, err := readSmall(name)
	if err != nil {
		return docker.Policy{}, err
	}
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		return docker.Policy{}, yamlFault(name, err)
	}
	if len(file.Docs) > 1 {
		return docker.Policy{}, fmt.Errorf("%s: want one document, not %d", name, len(file.Docs))
	}
	data, err := yaml.YAMLToJSON(text)
	if err != nil {
		return docker.Policy{}, yamlFault(name, err)
	}
	policy, err := docker.ParsePolicy(data)
	if err == nil {
		return policy, nil
	}
	places := map[string]string{}
	for _, doc := range file.Docs {
		notePlaces(places, "", doc.Body)
	}
	return policy, placed(name, places, err)
}

func readSmall(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was read only
	text, err := io.ReadAll(io.LimitReader(f, maxPolicyBytes+1))
	switch {
	case err != nil:
		return nil, err
	case len(text) > maxPolicyBytes:
		return nil, fmt.Errorf("%s: more than %d bytes are no policy", name, maxPolicyBytes)
	case len(strings.TrimSpace(string(text))) == 0:
		return nil, fmt.Errorf("%s: it is empty: {} is the policy that allows least", name)
	}
	return text, nil
}

var yamlPlace = regexp.MustCompile(`^\[(\d+):(\d+)\] `)

// yamlFault is an error of the parser on one line, with its place in front.
func yamlFault(name string, err error) error {
	text, _, _ := strings.Cut(yaml.FormatError(err, false, false), "\n")
	if at := yamlPlace.FindStringSubmatch(text); at != nil {
		return fmt.Errorf("%s:%s:%s: %s", name, at[1], at[2], text[len(at[0]):])
	}
	return fmt.Errorf("%s: %s", name, text)
}

// notePlaces notes where the keys and items of a document are, by their paths, as
// "mounts[1].host".
func notePlaces(places map[string]string, path string, n ast.Node) {
	note := func(path string, n ast.Node) {
		if t := n.GetToken(); t != nil && t.Position != nil {
			places[path] = fmt.Sprintf("%d:%d", t.Position.Line, t.Position.Column)
		}
	}
	switch n := n.(type) {
	case *ast.MappingNode:
		for _, v := range n.Values {
			key := strings.TrimPrefix(path+"."+strings.Trim(v.Key.String(), `"'`), ".")
			note(key, v.Key)
			notePlaces(places, key, v.Value)
		}
	case *ast.SequenceNode:
		for i, item := range n.Values {
			at := fmt.Sprintf("%s[%d]", path, i)
			note(at, item)
			notePlaces(places, at, item)
		}
	}
}

// policyFault is a fault of a policy: the path of what is wrong, or that of what has
// an unknown key.
var policyFault = regexp.MustCompile(`^(?:policy\.?)?([a-z_.\[\]0-9]*): (?:unknown key "([^"]*)")?`)

// placed puts the place of each fault before it.
func placed(name string, places map[string]string, err error) error {
	var errs []error
	for line := range strings.SplitSeq(err.Error(), "\n") {
		at := ""
		if m := policyFault.FindStringSubmatch(line); m != nil {
			path := m[1]
			if m[2] != "" {
				path = strings.TrimPrefix(path+"."+m[2], ".")
			}
			at = placeOf(places, path)
		}
		errs = append(errs, fmt.Errorf("%s:%s %s", name, at, line))
	}
	return errors.Join(errs...)
}

// placeOf is the place of what is at a path, or of what holds it.
func placeOf(places map[string]string, path string) string {
	for path != "" {
		if at, ok := places[path]; ok {
			return at + ":"
		}
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
	}
	return ""
}
