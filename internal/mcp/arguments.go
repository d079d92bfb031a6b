package mcp

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/script"
)

// maxCode is the longest code, in bytes.
const maxCode = 1 << 20

// arguments are those of run_code.
type arguments struct {
	Language string                  `json:"language"`
	Code     *string                 `json:"code"`
	Input    json.RawMessage         `json:"input"`
	Session  string                  `json:"session"`
	Timeout  *float64                `json:"timeout"`
	Files    map[string]fileArgument `json:"files"`
}

var sessionNames = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)

// shortLanguages are other words for languages.
var shortLanguages = map[string]string{"py": "python", "python3": "python", "js": "javascript", "ts": "typescript"}

// readArguments reads and checks what a client gave. Its errors are for a model to read.
func readArguments(data json.RawMessage, languages []script.Language) (*arguments, error) {
	var a arguments
	if err := decodeStrict(data, &a); err != nil {
		return nil, err
	}
	if long, ok := shortLanguages[strings.ToLower(a.Language)]; ok {
		a.Language = long
	}
	a.Language = strings.ToLower(a.Language)
	switch {
	case !slices.Contains(languages, script.Language(a.Language)):
		return nil, fmt.Errorf("language %q: want one of %s", a.Language, join(languages, ", "))
	case a.Code == nil:
		return nil, errors.New("code is missing: the source code to run, as a string")
	case len(*a.Code) > maxCode:
		return nil, fmt.Errorf("code has %d bytes: want at most %d", len(*a.Code), maxCode)
	case a.Session != "" && !sessionNames.MatchString(a.Session):
		return nil, fmt.Errorf("session %q: want letters, digits, and -_., at most 64", a.Session)
	case a.Timeout != nil && !(*a.Timeout > 0 && *a.Timeout <= math.MaxInt32):
		return nil, fmt.Errorf("timeout %v: want a number of seconds above 0", *a.Timeout)
	}
	return &a, nil
}

// limit is the time of the call, at most that of the server.
func (a *arguments) limit(most time.Duration) time.Duration {
	if a.Timeout == nil {
		return most
	}
	return min(most, max(time.Millisecond, time.Duration(*a.Timeout*float64(time.Second))))
}

// files are what the code finds in /in.
func (a *arguments) files() map[string][]byte {
	if len(a.Files) == 0 {
		return nil
	}
	files := map[string][]byte{}
	for name, f := range a.Files {
		files[name] = f
	}
	return files
}

// fileArgument is a file: a string is its text, {"base64": "…"} its bytes.
type fileArgument []byte

// UnmarshalJSON implements json.Unmarshaler.
func (f *fileArgument) UnmarshalJSON(data []byte) error {
	var text string
	if json.Unmarshal(data, &text) == nil {
		*f = []byte(text)
		return nil
	}
	var binary struct {
		Base64 *[]byte `json:"base64"`
	}
	if err := decodeStrict(data, &binary); err != nil || binary.Base64 == nil {
		return errors.New(`files: want each as a string, its text, or as {"base64": "…"}`)
	}
	*f = *binary.Base64
	return nil
}

// decodeStrict decodes an object that has no other members.
func decodeStrict(data json.RawMessage, into any) error {
	if len(data) == 0 {
		data = json.RawMessage("{}")
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Errorf("%s: want %s, not %s", orElse(wrong.Field, "arguments"), typeWord(wrong.Type.Kind().String()), wrong.Value)
	}
	if err != nil {
		return errors.New(strings.TrimPrefix(err.Error(), "json: "))
	}
	return nil
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

// typeWord is what JSON calls a kind of Go.
func typeWord(kind string) string {
	switch kind {
	case "string":
		return "a string"
	case "float64":
		return "a number"
	}
	return "an object"
}

func join(languages []script.Language, between string) string {
	words := make([]string, len(languages))
	for i, l := range languages {
		words[i] = string(l)
	}
	return strings.Join(words, between)
}
