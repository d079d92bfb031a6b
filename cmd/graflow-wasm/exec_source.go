package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"unicode/utf8"

	"github.com/graflow/graflow-wasm/script"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// maxSource is the longest code, in bytes: what a task of a flow may have, too.
const maxSource = 1 << 20

// execSource says which code, and in which language.
type execSource struct {
	language string // "": told by the file's name
	code     string // -c
	flag     *pflag.Flag
	file     string
	stdin    bool
	args     []string
}

func (s *execSource) addTo(f *pflag.FlagSet) {
	f.StringVarP(&s.code, "code", "c", "", "the code itself")
	s.flag = f.Lookup("code")
	f.StringVarP(&s.language, "language", "l", "", "python, javascript or typescript, py, js or ts for short (default: by the file's name, else that of the session, else python)")
	f.SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		if name == "lang" {
			name = "language"
		}
		return pflag.NormalizedName(name)
	})
}

// shortLanguages are other words for languages: the ends of files' names.
var shortLanguages = map[string]string{"py": "python", "js": "javascript", "ts": "typescript"}

// take reads the arguments of the command: FILE or -, and what follows -- for the code.
func (s *execSource) take(cmd *cobra.Command, args []string) error {
	if at := cmd.ArgsLenAtDash(); at >= 0 {
		args, s.args = args[:at], args[at:]
	}
	switch {
	case len(args) > 1:
		return fmt.Errorf("one FILE is run; arguments of the code go after --, as in: exec %s -- %s", shellQuote(args[0]), shellQuote(args[1]))
	case len(args) == 1 && s.flag.Changed:
		return fmt.Errorf("-c and %s: either is the code; give one of them", args[0])
	case len(args) == 1 && args[0] == "-":
		s.stdin = true
	case len(args) == 1:
		s.file = args[0]
	}
	if long, ok := shortLanguages[s.language]; ok {
		s.language = long
	}
	if names := script.Languages(); s.language != "" && !slices.Contains(names, script.Language(s.language)) {
		return fmt.Errorf("--language %q: want one of python, javascript, typescript", s.language)
	}
	return nil
}

// given tells whether there is code.
func (s *execSource) given() bool { return s.flag.Changed || s.file != "" || s.stdin }

// title is what the code is called where the command speaks of it.
func (s *execSource) title() string {
	switch {
	case s.flag.Changed:
		return "-c"
	case s.stdin:
		return "-"
	}
	return s.file
}

// read returns the code.
func (s *execSource) read(stdin io.Reader) (string, error) {
	var data []byte
	var err error
	switch {
	case s.flag.Changed:
		data = []byte(s.code)
	case s.stdin:
		data, err = io.ReadAll(io.LimitReader(stdin, maxSource+1))
	case s.file != "":
		data, err = readAtMost(s.file, maxSource+1)
	default:
		return "", usagef("exec: which code? Give a FILE, -c CODE, or - for stdin\nSee `graflow-wasm exec --help`")
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", usagef("exec %s: no such file; code itself is given with -c", s.file)
	case err != nil:
		return "", usagef("exec: read the code: %w", err)
	case len(data) > maxSource:
		return "", usagef("exec %s: the code has more than %d bytes; put what it imports into a directory: --with DIR", s.title(), maxSource)
	case !utf8.Valid(data):
		return "", usagef("exec %s: it is not text in UTF-8", s.title())
	}
	return string(data), nil
}

// languageIn is the language of the code, which may go on with a session of one.
func (s *execSource) languageIn(kept script.Language) (script.Language, error) {
	if s.language != "" {
		return script.Language(s.language), nil
	}
	if s.file != "" {
		l, err := script.LanguageOf(s.file)
		if err != nil {
			return "", usagef("exec %s: %w; say it with --language", s.file, err)
		}
		return l, nil
	}
	return cmp.Or(kept, script.Python), nil
}

// readAtMost reads the first bytes of a regular file.
func readAtMost(path string, most int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err == nil && info.IsDir() {
		err = &fs.PathError{Op: "read", Path: path, Err: errors.New("it is a directory")}
	}
	if err != nil {
		return nil, err
	}
	f, err := os.Open(filepath.Clean(path))
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	return io.ReadAll(io.LimitReader(f, most))
}
