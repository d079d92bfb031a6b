package inside

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/graflow/graflow-wasm/sdk/abi"
)

const callUsage = `usage: graflow-call [-r] OP [KEY=VALUE…]
asks the host of this task, as: graflow-call channel_add key=n value=1
prints the answer's value as JSON; -r prints text and bytes as they are.
VALUE is JSON, or else text; @FILE is a file's content, @- that of stdin.
file_put takes file=PATH. Exits with 1 if the host refuses, 75 if the task is
paused, 2 if the request makes no sense or the host can't be reached.`

// Exit codes of call.
const (
	callRefused = 1
	callFailed  = 2
)

// texts are the fields of a request that are text, whatever they look like.
var texts = []string{
	"op", "run", "task", "activation", "id", "key", "prefix", "handler", "name", "message", "kind",
	"retry_after", "stack", "level", "note", "timeout", "until", "after",
}

// call is the verb call.
func call(args []string, in io.Reader, out, problems io.Writer) int {
	raw := len(args) > 0 && args[0] == "-r"
	if raw {
		args = args[1:]
	}
	if len(args) == 0 || strings.HasPrefix(args[0], "-") {
		fmt.Fprintln(problems, callUsage)
		return callFailed
	}
	value, err := request(args[0], args[1:], in)
	if err == nil {
		err = printValue(out, value, raw)
	}
	if err == nil {
		return 0
	}
	fmt.Fprintln(problems, CallName+":", err)
	var refused *refusal
	switch {
	case errors.As(err, &refused) && refused.Answer.Error == abi.WordPaused:
		return abi.ExitPaused
	case errors.As(err, &refused):
		return callRefused
	}
	return callFailed
}

// request makes one request of the words and sends it.
func request(op string, words []string, in io.Reader) (json.RawMessage, error) {
	fields := map[string]json.RawMessage{"op": mustJSON(op)}
	var content *os.File
	for _, word := range words {
		key, value, ok := strings.Cut(word, "=")
		switch {
		case !ok || key == "":
			return nil, fmt.Errorf("%q: want KEY=VALUE", word)
		case fields[key] != nil || key == "file" && content != nil:
			return nil, fmt.Errorf("%q: it is given twice", key)
		case key == "file" && op == abi.OpFilePut:
			f, size, err := openRegular(func(flags int) (*os.File, error) { return os.OpenFile(value, flags&^syscall.O_NOFOLLOW, 0) })
			if err != nil {
				return nil, fmt.Errorf("file %s: %w", value, err)
			}
			defer func() { _ = f.Close() }()
			content, fields["size"] = f, mustJSON(size)
			continue
		}
		var err error
		if fields[key], err = field(key, value, in); err != nil {
			return nil, err
		}
	}
	if op == abi.OpFilePut {
		if content == nil {
			return nil, errors.New("file_put: want file=PATH, the file to leave")
		}
		if fields["name"] == nil {
			fields["name"] = mustJSON(filepath.Base(content.Name()))
		}
	}
	return exchangeFields(op, fields, content)
}

func exchangeFields(op string, fields map[string]json.RawMessage, content *os.File) (json.RawMessage, error) {
	text, err := json.Marshal(fields)
	if err != nil {
		return nil, err
	}
	host, err := dial(os.Getenv(abi.EnvSocket))
	if err != nil {
		return nil, err
	}
	defer func() { _ = host.Close() }()
	if content == nil {
		return host.exchange(context.Background(), op, append(text, '\n'), nil, nil)
	}
	var size int64
	if err := json.Unmarshal(fields["size"], &size); err != nil {
		return nil, err
	}
	return host.exchange(context.Background(), op, append(text, '\n'), content, &size)
}

// field is a value as JSON.
func field(key, value string, in io.Reader) (json.RawMessage, error) {
	if name, ok := strings.CutPrefix(value, "@"); ok {
		data, err := readContent(name, in)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
		value = string(data)
	}
	if !slices.Contains(texts, key) && json.Valid([]byte(value)) {
		return json.RawMessage(value), nil
	}
	return json.Marshal(value)
}

// mustJSON encodes what always can be.
func mustJSON(v any) json.RawMessage {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return data
}

func readContent(name string, in io.Reader) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(in)
	}
	return os.ReadFile(name)
}

// printValue prints an answer; raw text and bytes without a newline of ours.
func printValue(w io.Writer, value json.RawMessage, raw bool) error {
	if raw {
		var text string
		if json.Unmarshal(value, &text) == nil && len(value) > 0 && value[0] == '"' {
			_, err := io.WriteString(w, text)
			return err
		}
		var b abi.Binary
		if json.Unmarshal(value, &b) == nil && b.Base64 != nil {
			_, err := w.Write(b.Base64)
			return err
		}
	}
	if len(value) == 0 {
		return nil
	}
	_, err := fmt.Fprintf(w, "%s\n", value)
	return err
}
