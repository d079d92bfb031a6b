package engine

import (
	"context"
	"fmt"
	"io"
)

// File is one that a task left with its run: an artifact. As JSON it is what a
// task's value has in its place.
type File struct {
	Digest string `json:"$file"` // "sha256:…" of its bytes
	Name   string `json:"name"`  // a path with slashes, relative
	Size   int64  `json:"size"`
}

// TaskFile is a File, and who left it.
type TaskFile struct {
	File
	Task       string `json:"task"`
	Activation string `json:"activation"`
}

// Files keeps the files of one run, as blobs of it. It is safe for concurrent use.
type Files interface {
	// Put stores what r holds. The file is the run's once an attempt returns it in
	// its Result; others go with the run, unseen.
	Put(ctx context.Context, name string, r io.Reader) (File, error)
	// Open reads a file by its digest, or returns ErrNotFound.
	Open(ctx context.Context, digest string) (io.ReadCloser, error)
}

type runFiles struct {
	blobs Blobs
	run   string
}

func (f runFiles) Put(ctx context.Context, name string, r io.Reader) (File, error) {
	digest, size, err := f.blobs.Put(ctx, f.run, r)
	if err != nil {
		return File{}, fmt.Errorf("keep file %q: %w", name, ofStorage(err))
	}
	return File{Digest: digest, Name: name, Size: size}, nil
}

func (f runFiles) Open(ctx context.Context, digest string) (io.ReadCloser, error) {
	r, err := f.blobs.Open(ctx, f.run, digest)
	if err != nil {
		return nil, fmt.Errorf("read file %s: %w", digest, ofStorage(err))
	}
	return r, nil
}

// OpenFile reads a file that a task left, by its digest. Needs Config.Retain once
// the run has ended. The error of a run without such a file is ErrNotFound.
func (e *Engine) OpenFile(ctx context.Context, run, digest string) (io.ReadCloser, error) {
	r, err := e.backend.Blobs.Open(ctx, run, digest)
	if err != nil {
		return nil, fmt.Errorf("run %q: read file %s: %w", run, digest, err)
	}
	return r, nil
}

// filed remembers the files that a task has left.
func (r *Run) filed(act *activation, e *Event) {
	for _, f := range e.Files {
		r.files = append(r.files, TaskFile{File: f, Task: r.taskOf(act).ID, Activation: act.id})
	}
}
