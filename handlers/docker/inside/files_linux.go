package inside

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/graflow/graflow-wasm/sdk/abi"
)

// leaveFiles sends every file in dir that a pattern covers, in the order of
// their names. Faults of the command's author are *failure.
func leaveFiles(ctx context.Context, host *client, dir string, globs []string) error {
	if dir == "" {
		return fmt.Errorf("%s is set, and %s is not", EnvFilesOut, abi.EnvOut)
	}
	patterns := make([]pattern, len(globs))
	for i, glob := range globs {
		var err error
		if patterns[i], err = parsePattern(glob); err != nil {
			return fmt.Errorf("%s: %w", EnvFilesOut, err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return failuref(KindInvalidOutput, "files to leave: %w", err)
	}
	defer func() { _ = root.Close() }()
	names, err := find(root, patterns)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := leave(ctx, host, root, name); err != nil {
			return err
		}
	}
	return nil
}

// find lists the files to leave. What a pattern covers and is no regular file is
// an error rather than left out: nobody would learn of it.
func find(root *os.Root, patterns []pattern) ([]string, error) {
	var names []string
	err := fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return failuref(KindInvalidOutput, "file to leave %q: %w", name, err)
		case d.IsDir() || !covers(patterns, name):
			return nil
		case !d.Type().IsRegular():
			return failuref(KindInvalidOutput, "file to leave %q: it is %s: want a regular file, as cp -L makes it", name, kindOf(d.Type()))
		}
		names = append(names, name)
		return checkName(name)
	})
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	for _, p := range patterns {
		if _, found := slices.BinarySearch(names, p.text); p.literal() && !found {
			return nil, failuref(KindInvalidOutput, "file to leave %q: there is no such file in %s: the command must write it", p.text, root.Name())
		}
	}
	return names, nil
}

// checkName refuses names that can't be told from one another, or forge lines,
// where people read them.
func checkName(name string) error {
	if !utf8.ValidString(name) {
		return failuref(KindInvalidOutput, "file to leave %q: its name is not UTF-8", name)
	}
	if strings.ContainsFunc(name, unicode.IsControl) {
		return failuref(KindInvalidOutput, "file to leave %q: its name has a control character", name)
	}
	return nil
}

// leave sends one file, as many bytes as it has when it is opened.
func leave(ctx context.Context, host *client, root *os.Root, name string) error {
	f, size, err := openRegular(func(flags int) (*os.File, error) { return root.OpenFile(filepath.FromSlash(name), flags, 0) })
	if err != nil {
		return failuref(KindInvalidOutput, "file to leave %q: %w", name, err)
	}
	defer func() { _ = f.Close() }()
	err = putFile(ctx, host, f, name, size)
	if refused := (*refusal)(nil); errors.As(err, &refused) {
		kind := KindInvalidOutput
		if errors.Is(err, abi.TooLarge) {
			kind = KindOutputTooLarge
		}
		return failuref(kind, "file to leave %q, %d bytes: the host refused it: %w", name, size, err)
	}
	return err
}

// putFile sends size bytes of f, and fails if it then has another size.
func putFile(ctx context.Context, host *client, f *os.File, name string, size int64) error {
	_, err := host.put(ctx, abi.Request{Op: abi.OpFilePut, Name: name, Size: &size}, f)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	st, statErr := f.Stat()
	if statErr != nil {
		return statErr
	}
	if err != nil || st.Size() != size {
		return failuref(KindInvalidOutput, "file to leave %q: it changed from %d to %d bytes while it was sent", name, size, st.Size())
	}
	return nil
}
