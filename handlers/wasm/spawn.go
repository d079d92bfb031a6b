package wasm

import (
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/graflow/graflow-wasm/engine"
)

// spawnRules are a task's spawn grant: which tasks its guest may add to the run,
// beside exports of its own module. Each pattern is one of
//
//   - any task
//     NAME:*      any task of the handler NAME
//     a module    as "img.wasm" or "./lib/*.wasm"; a star is any text but "/"
//
// Modules are compared as paths, so that "./img.wasm" is "img.wasm". Going to
// tasks of the graph needs no spawn grant.
type spawnRules struct {
	dir      string // what paths are relative to, absolute
	patterns []string
}

// spawnRules checks what a task asks to spawn.
func (h *Handler) spawnRules(asked []string) (spawnRules, error) {
	if len(asked) == 0 {
		return spawnRules{}, nil
	}
	dir, err := filepath.Abs(h.config.Dir)
	if err != nil {
		return spawnRules{}, err
	}
	rules := spawnRules{dir: dir, patterns: asked}
	most := spawnRules{dir: dir, patterns: h.config.Spawn}
	var errs []error
	for i, pattern := range asked {
		switch {
		case strings.Contains(pattern, "#"):
			errs = append(errs, fmt.Errorf("grants.spawn[%d]: %q names an export: want a module, whose exports are then all allowed", i, pattern))
		case h.config.Spawn != nil && !most.covers(pattern):
			errs = append(errs, fmt.Errorf("grants.spawn[%d]: the operator does not allow %q", i, pattern))
		}
	}
	return rules, errors.Join(errs...)
}

// covers tells whether all that a pattern matches is matched. As text, a star of
// the pattern is matched by none but a star.
func (r spawnRules) covers(pattern string) bool {
	if strings.HasSuffix(pattern, ":*") || pattern == "*" {
		return slices.Contains(r.patterns, pattern) || slices.Contains(r.patterns, "*")
	}
	return r.matches(pattern)
}

// handler tells whether any task of a handler may be spawned.
func (r spawnRules) handler(name string) bool {
	return slices.Contains(r.patterns, "*") || slices.Contains(r.patterns, name+":*")
}

// module tells whether tasks of a module may be spawned on a handler. What is
// written in a roundabout way is matched by no pattern of modules: whoever loads
// it might read it differently.
func (r spawnRules) module(handler, ref string) bool {
	slashed := filepath.ToSlash(ref)
	direct := path.Clean(slashed) == strings.TrimPrefix(slashed, "./")
	return r.handler(handler) || direct && r.matches(ref)
}

// matches tells whether a module is matched by a pattern of modules.
func (r spawnRules) matches(ref string) bool {
	file := r.path(ref)
	return slices.ContainsFunc(r.patterns, func(pattern string) bool {
		if pattern == "*" || strings.HasSuffix(pattern, ":*") {
			return pattern == "*"
		}
		matched, err := path.Match(literal.Replace(r.path(pattern)), file)
		return err == nil && matched
	})
}

// path is a reference in the form in which it is compared.
func (r spawnRules) path(ref string) string {
	file, err := absolute(r.dir, ref)
	if err != nil {
		return ref
	}
	if rel, err := filepath.Rel(r.dir, file); err == nil {
		file = rel
	}
	return filepath.ToSlash(file)
}

// literal takes their meaning from what path.Match reads beside stars.
var literal = strings.NewReplacer(`\`, `\\`, `?`, `\?`, `[`, `\[`)

// String lists the patterns, for messages.
func (r spawnRules) String() string {
	if len(r.patterns) == 0 {
		return "empty"
	}
	return quoted(r.patterns)
}

// denied ends the attempt: a guest that is told no more than a code could not
// tell its author what to grant.
func denied(format string, args ...any) error {
	return &engine.TaskError{Kind: engine.KindDenied, Message: fmt.Sprintf(format, args...), Permanent: true}
}
