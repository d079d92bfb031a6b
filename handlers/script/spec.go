package script

import (
	"errors"
	"fmt"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/internal/guest"
	"github.com/graflow/graflow-wasm/script"
)

// maxCode is the longest source text, in bytes.
const maxCode = 1 << 20

// program is what a task's spec says.
type program struct {
	language   script.Language
	code, file string
	args, with []string
	filesIn    map[string]string // path below /in: field of the input
	filesOut   []string          // patterns below /out; nil: no files are asked for
}

func (h *Handler) parse(task *engine.Task) (program, error) {
	var p program
	var language string
	d, err := guest.Object("script", task.Spec, "language", "code", "file", "args", "with", "files_in", "files_out")
	err = errors.Join(err,
		d.Text("language", &language),
		d.Text("code", &p.code),
		d.Text("file", &p.file),
		d.List("args", &p.args),
		d.List("with", &p.with),
		d.Fields("files_in", &p.filesIn),
		d.List("files_out", &p.filesOut),
	)
	p.language = script.Language(language)
	switch {
	case d.Field("code") == nil:
		err = errors.Join(err, errors.New("script.code: missing: the source text of the task"))
	case len(p.code) > maxCode:
		err = errors.Join(err, fmt.Errorf("script.code: it has %d bytes, and %d is all it may: import the rest from a bundle, with: [DIR]", len(p.code), maxCode))
	}
	if language == "" {
		err = errors.Join(err, fmt.Errorf("script.language: missing: one of %s", guest.Quoted(names())))
	} else if !known(p.language) {
		err = errors.Join(err, fmt.Errorf("script.language: got %q%s, want one of %s", language, guest.DidYouMean(language, names()), guest.Quoted(names())))
	}
	for i, path := range p.with {
		if p.with[i], _ = guest.Absolute(h.config.Dir, path); p.with[i] == "" {
			err = errors.Join(err, fmt.Errorf("script.with[%d]: no directory to which %q is relative", i, path))
		}
	}
	return p, err
}

func known(l script.Language) bool {
	for _, one := range script.Languages() {
		if l == one {
			return true
		}
	}
	return false
}

func names() []string {
	var all []string
	for _, l := range script.Languages() {
		all = append(all, string(l))
	}
	return all
}
