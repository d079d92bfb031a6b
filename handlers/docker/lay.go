package docker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/internal/guest"
)

// Names in an attempt's directory, beside those of lines.
const (
	inputFile  = "input.json"
	secretsDir = "secrets"
	filesDir   = "files"
)

// lay fills an attempt's directory, and tells where what else it needs is.
func (a *attempt) lay(ctx context.Context, dir string) (place, error) {
	at := place{Dir: dir, Env: a.environment(), Labels: a.labels()}
	input := a.call.Input
	if len(input) == 0 {
		input = json.RawMessage("null")
	}
	err := errors.Join(
		give(filepath.Join(dir, inputFile), bytes.NewReader(a.stdin())),
		a.laySecrets(ctx, dir),
	)
	if err == nil {
		at.FilesIn, err = a.layFiles(ctx, dir, input)
	}
	if err == nil {
		err = a.layInside(ctx, dir, &at)
	}
	if err != nil {
		return place{}, err
	}
	return at, nil
}

// give writes a file that a container may read.
func give(name string, content io.Reader) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o444) //nolint:gosec // whoever the container runs as reads it
	if err != nil {
		return err
	}
	_, err = io.Copy(f, content)
	return errors.Join(err, f.Chmod(0o444), f.Close())
}

// laySecrets writes the secrets, which may be in memory only.
func (a *attempt) laySecrets(ctx context.Context, dir string) error {
	names := a.secrets.Names()
	if len(names) == 0 {
		return nil
	}
	if !inMemory(dir) {
		return lasting(engine.KindDenied, "the task is granted secrets, and there is no directory in memory to hand them over in: name one as the handler's scratch directory (--docker-scratch), as on /dev/shm")
	}
	dir = filepath.Join(dir, secretsDir)
	if err := errors.Join(os.Mkdir(dir, 0o755), os.Chmod(dir, 0o755)); err != nil { //nolint:gosec // as for all of it
		return err
	}
	for _, name := range names {
		if name != filepath.Base(name) || name == ".." || name == "." {
			return lasting(engine.KindInvalidInput, "secret %q: its name can't be that of a file; rename it", name)
		}
		value, err := a.secrets.Secret(ctx, name)
		if err == nil {
			err = give(filepath.Join(dir, name), bytes.NewReader(value))
		}
		if err != nil {
			return fmt.Errorf("hand over secret %q: %w", name, err)
		}
	}
	return nil
}

// layFiles writes the fields of the input that the task wants as files, and returns
// where they are by their paths in the container.
func (a *attempt) layFiles(ctx context.Context, dir string, input json.RawMessage) (map[string]string, error) {
	if len(a.settings.filesIn) == 0 {
		return nil, nil
	}
	dir = filepath.Join(dir, filesDir)
	if err := os.Mkdir(dir, 0o755); err != nil { //nolint:gosec // as for all of it
		return nil, err
	}
	files := map[string]string{}
	for i, target := range sorted(a.settings.filesIn) {
		field := a.settings.filesIn[target]
		value, err := guest.FieldOf(input, field)
		if err != nil {
			return nil, lasting(engine.KindInvalidInput, "docker.files_in[%q]: %w", target, err)
		}
		source := filepath.Join(dir, strconv.Itoa(i))
		if err := a.layFile(ctx, source, value); err != nil {
			return nil, fmt.Errorf("docker.files_in[%q]: %w", target, err)
		}
		files[target] = source
	}
	return files, nil
}

// layFile writes a value: a file of the run as its bytes, a string as its text, all
// else as JSON.
func (a *attempt) layFile(ctx context.Context, name string, value json.RawMessage) error {
	var file engine.File
	if json.Unmarshal(value, &file) == nil && file.Digest != "" {
		if a.call.Files == nil {
			return errors.New("there are no files of a run here")
		}
		r, err := a.call.Files.Open(ctx, file.Digest)
		if err != nil {
			return err
		}
		return errors.Join(give(name, r), r.Close())
	}
	var text string
	if json.Unmarshal(value, &text) == nil && string(value) != "null" {
		return give(name, strings.NewReader(text))
	}
	return give(name, bytes.NewReader(value))
}
