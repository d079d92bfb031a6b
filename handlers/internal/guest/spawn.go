package guest

import (
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/graflow/graflow-wasm/engine"
)

// Spawn is a task's spawn grant: which tasks its guest may add to the run, beside
// those that its handler always lets it. Each pattern is one of
//
//   - any task
//     NAME:*      any task of the handler NAME
//
// or one of the handler's own, which for wasm ([NewSpawn]) and for docker
// ([NewImageSpawn]) are
//
//	a module    as "img.wasm" or "./lib/*.wasm"
//	image:GLOB  as "image:debian:*" or "image:ghcr.io/acme/*"
//
// where a star is any text but "/". Modules are compared as paths, so that
// "./img.wasm" is "img.wasm"; images are compared as text. Going to tasks of the
// graph needs no spawn grant. The zero value grants nothing. A Spawn never changes.
type Spawn struct {
	patterns []string
	dir      string // what paths are relative to, absolute
	images   bool   // the handler's own patterns are of images
}

// imagePrefix begins patterns of images. They need one: "debian:*" would be any
// task of a handler debian.
const imagePrefix = "image:"

// NewSpawn checks what a task asks to spawn, where modules are paths relative to
// dir, "" being the working directory. Each pattern must be covered by one of most,
// the operator's; nil is whatever it asks. All that is refused is reported, joined.
func NewSpawn(dir string, asked, most []string) (Spawn, error) {
	if len(asked) == 0 {
		return Spawn{}, nil
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return Spawn{}, err
	}
	s := Spawn{patterns: asked, dir: dir}
	return s, s.within(most, func(pattern string) string {
		if strings.Contains(pattern, "#") {
			return "names an export: want a module, whose exports are then all allowed"
		}
		return ""
	})
}

// NewImageSpawn is NewSpawn for a handler whose tasks are containers of images.
func NewImageSpawn(asked, most []string) (Spawn, error) {
	s := Spawn{patterns: asked, images: true}
	return s, s.within(most, func(pattern string) string {
		if _, own := s.own(pattern); !own && !foreign(pattern) || pattern == imagePrefix {
			return `names no task: want "*", "NAME:*" of a handler or "image:GLOB"`
		}
		return ""
	})
}

// within refuses patterns that are wrong, or that the operator's do not cover.
func (s Spawn) within(most []string, wrong func(pattern string) string) error {
	limit := s
	limit.patterns = most
	var errs []error
	for i, pattern := range s.patterns {
		if why := wrong(pattern); why != "" {
			errs = append(errs, fmt.Errorf("grants.spawn[%d]: %q %s", i, pattern, why))
		} else if most != nil && !limit.Covers(pattern) {
			errs = append(errs, fmt.Errorf("grants.spawn[%d]: the operator does not allow %q", i, pattern))
		}
	}
	return errors.Join(errs...)
}

// foreign tells whether a pattern is one that all handlers have.
func foreign(pattern string) bool { return pattern == "*" || strings.HasSuffix(pattern, ":*") }

// own is what a pattern of the handler's own stands for.
func (s Spawn) own(pattern string) (glob string, ok bool) {
	if s.images {
		return strings.CutPrefix(pattern, imagePrefix)
	}
	return pattern, !foreign(pattern)
}

// Covers tells whether all that a pattern matches is matched. As text, a star of
// the pattern is matched by none but a star.
func (s Spawn) Covers(pattern string) bool {
	if glob, ok := s.own(pattern); ok {
		return s.matches(glob)
	}
	return slices.Contains(s.patterns, pattern) || slices.Contains(s.patterns, "*")
}

// Handler tells whether any task of a handler may be spawned.
func (s Spawn) Handler(name string) bool {
	return slices.ContainsFunc(s.patterns, func(pattern string) bool {
		_, own := s.own(pattern)
		return !own && (pattern == "*" || pattern == name+":*")
	})
}

// Module tells whether tasks of a module may be spawned on a handler. What is
// written in a roundabout way is matched by no pattern of modules: whoever loads
// it might read it differently.
func (s Spawn) Module(handler, ref string) bool {
	slashed := filepath.ToSlash(ref)
	direct := path.Clean(slashed) == strings.TrimPrefix(slashed, "./")
	return s.Handler(handler) || direct && s.matches(ref)
}

// Image tells whether tasks of an image may be spawned on a handler. The image may
// have several names, as one that was written and the full one that it means; a
// pattern needs to match one of them.
func (s Spawn) Image(handler string, names ...string) bool {
	return s.Handler(handler) || slices.ContainsFunc(names, s.matches)
}

// matches tells whether a name is matched by a pattern of the handler's own.
func (s Spawn) matches(name string) bool {
	name = s.compared(name)
	return slices.ContainsFunc(s.patterns, func(pattern string) bool {
		glob, own := s.own(pattern)
		if !own {
			return pattern == "*"
		}
		matched, err := path.Match(literal.Replace(s.compared(glob)), name)
		return err == nil && matched
	})
}

// compared is a name in the form in which it is compared.
func (s Spawn) compared(name string) string {
	if s.images {
		return name
	}
	file, err := Absolute(s.dir, name)
	if err != nil {
		return name
	}
	if rel, err := filepath.Rel(s.dir, file); err == nil {
		file = rel
	}
	return filepath.ToSlash(file)
}

// literal takes their meaning from what path.Match reads beside stars.
var literal = strings.NewReplacer(`\`, `\\`, `?`, `\?`, `[`, `\[`)

// String lists the patterns, for messages.
func (s Spawn) String() string {
	if len(s.patterns) == 0 {
		return "empty"
	}
	return Quoted(s.patterns)
}

// Denied is the error of an attempt whose guest asked for what it may not have. It
// ends the attempt: a guest that is told no more than a code could not tell its
// author what to grant.
func Denied(format string, args ...any) error {
	return &engine.TaskError{Kind: engine.KindDenied, Message: fmt.Sprintf(format, args...), Permanent: true}
}
