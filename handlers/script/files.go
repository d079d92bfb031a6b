package script

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/internal/guest"
	"github.com/graflow/graflow-wasm/script"
)

// maxFileIn is the largest file that code is given, in bytes.
const maxFileIn = 256 << 20

// filesIn are the files below /in, by their paths there.
func filesIn(ctx context.Context, call *engine.Call, p program) (map[string][]byte, error) {
	if len(p.filesIn) == 0 {
		return nil, nil
	}
	files := map[string][]byte{}
	for name, field := range p.filesIn {
		value, err := guest.FieldOf(inputOf(call), field)
		if err != nil {
			return nil, &engine.TaskError{Kind: engine.KindInvalidInput, Permanent: true, Message: fmt.Sprintf("script.files_in[%q]: %v", name, err)}
		}
		if files[name], err = contentOf(ctx, call, value); err != nil {
			return nil, fmt.Errorf("script.files_in[%q]: %w", name, err)
		}
	}
	return files, nil
}

// contentOf is a value as a file: a file of the run as its bytes, a string as its
// text, all else as JSON.
func contentOf(ctx context.Context, call *engine.Call, value json.RawMessage) ([]byte, error) {
	var file engine.File
	if json.Unmarshal(value, &file) == nil && file.Digest != "" {
		if call.Files == nil {
			return nil, errors.New("there are no files of a run here")
		}
		r, err := call.Files.Open(ctx, file.Digest)
		if err != nil {
			return nil, err
		}
		data, err := io.ReadAll(io.LimitReader(r, maxFileIn+1))
		if err == nil && len(data) > maxFileIn {
			err = fmt.Errorf("file %q has more than %d bytes", file.Name, maxFileIn)
		}
		return data, errors.Join(err, r.Close())
	}
	var text *string
	if json.Unmarshal(value, &text) == nil && text != nil {
		return []byte(*text), nil
	}
	return value, nil
}

// keep makes files of the run of what code has left, beside its value.
func keep(ctx context.Context, call *engine.Call, left []script.File, secrets *guest.Secrets, result *engine.Result) error {
	if len(left) > 0 && call.Files == nil {
		return errors.New("there is no run to keep files of")
	}
	files := map[string]engine.File{}
	for _, f := range left {
		if err := secrets.CheckFile(f.Name, f.Data); err != nil {
			return err
		}
		file, err := call.Files.Put(ctx, f.Name, bytes.NewReader(f.Data))
		if err != nil {
			return err
		}
		files[f.Name] = file
		result.Files = append(result.Files, file)
	}
	value, err := json.Marshal(map[string]any{"result": result.Value, "files": files})
	result.Value = value
	return err
}
