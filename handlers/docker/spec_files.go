package docker

import (
	"encoding/json"
	"errors"
	"fmt"
	slashpath "path"
	"slices"
	"strings"

	"github.com/graflow/graflow-wasm/handlers/internal/guest"
)

// parseFiles reads where the result comes from, and which files go in and out.
func (s *settings) parseFiles(d guest.Document) error {
	return errors.Join(s.parseResult(d), s.parseFilesIn(d), s.parseFilesOut(d))
}

// parseResult reads stdout, file or {file: PATH}.
func (s *settings) parseResult(d guest.Document) error {
	raw := d.Field("result")
	if raw == nil {
		return nil
	}
	if word(d, "result", &s.result, resultStdout, resultFile) == nil {
		return nil
	}
	var mapping map[string]json.RawMessage
	if json.Unmarshal(raw, &mapping) != nil {
		return d.Wrong("result", `"stdout", "file" for what is written to $GRAFLOW_RESULT, or {file: PATH} for a file in the container`)
	}
	r, err := guest.Object("docker.result", raw, "file")
	if err = errors.Join(err, r.Text("file", &s.resultPath)); err != nil {
		return err
	}
	if err = checkPath(s.resultPath); err != nil {
		return fmt.Errorf("docker.result.file: %w", err)
	}
	if isWithin(ownDir, s.resultPath) {
		return fmt.Errorf(`docker.result.file: %s is the engine's; write result: file for what is written to $GRAFLOW_RESULT`, s.resultPath)
	}
	s.result = resultPath
	return nil
}

// parseFilesIn reads {PATH: FIELD}: fields of the input that the container has as
// files too.
func (s *settings) parseFilesIn(d guest.Document) error {
	errs := []error{d.Fields("files_in", &s.filesIn)}
	for _, file := range sorted(s.filesIn) {
		if err := checkPath(file); err != nil {
			errs = append(errs, fmt.Errorf("docker.files_in[%q]: %w", file, err))
		}
	}
	return errors.Join(errs...)
}

// parseFilesOut reads globs of files that the run gets, relative to /out.
func (s *settings) parseFilesOut(d guest.Document) error {
	err := d.List("files_out", &s.filesOut)
	errs := []error{err}
	for i, glob := range s.filesOut {
		if err := checkGlob(glob); err != nil {
			errs = append(errs, fmt.Errorf("docker.files_out[%d]: %w", i, err))
		}
	}
	if s.filesOut != nil && len(s.filesOut) == 0 {
		s.filesOut = nil // none are asked for
	}
	return errors.Join(errs...)
}

// checkGlob wants a glob that matches nothing outside of the directory that it is
// relative to, as text: links are for whoever walks it.
func checkGlob(glob string) error {
	switch {
	case strings.HasPrefix(glob, "/"):
		return fmt.Errorf(`got %q, want a path relative to %s, as "*.png"`, glob, outDir)
	case hasControls(glob) || strings.Contains(glob, `\`):
		return fmt.Errorf(`got %q, want a path without backslashes and control characters`, glob)
	case slices.Contains(strings.Split(glob, "/"), ".."):
		return fmt.Errorf(`got %q, which leads out of %s; want files below it`, glob, outDir)
	case slashpath.Clean(glob) != glob || glob == ".":
		return fmt.Errorf("got %q, want it written straight, as \"plots/*.png\"", glob)
	}
	if _, err := slashpath.Match(glob, ""); err != nil {
		return fmt.Errorf(`got %q, want "*", "?", [a-z] and "**" for any directories: %w`, glob, err)
	}
	return nil
}
