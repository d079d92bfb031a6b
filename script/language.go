package script

import (
	"fmt"
	"path"
	"strings"
)

// Language is what code is written in.
type Language string

// Languages.
const (
	Python     Language = "python"     // CPython 3.13
	JavaScript Language = "javascript" // ES2023
	TypeScript Language = "typescript" // JavaScript once its types are taken off; they are not checked
)

// Languages are all that there are.
func Languages() []Language { return []Language{Python, JavaScript, TypeScript} }

// LanguageOf tells the language of a file by the end of its name: .py; .js, .mjs,
// .cjs; .ts, .mts, .cts.
func LanguageOf(file string) (Language, error) {
	switch strings.ToLower(path.Ext(file)) {
	case ".py":
		return Python, nil
	case ".js", ".mjs", ".cjs":
		return JavaScript, nil
	case ".ts", ".mts", ".cts":
		return TypeScript, nil
	}
	return "", fmt.Errorf("language of %q: the name has to end in .py, .js, .mjs, .cjs, .ts, .mts or .cts", file)
}

// runtime is the name of the module that runs the language, "" if there is none.
func (l Language) runtime() string {
	switch l {
	case Python:
		return "python"
	case JavaScript, TypeScript:
		return "javascript"
	}
	return ""
}

// file is what code is called that has no name.
func (l Language) file() string {
	switch l {
	case Python:
		return "main.py"
	case TypeScript:
		return "main.ts"
	}
	return "main.js"
}

// check refuses what is no language.
func (l Language) check() error {
	if l.runtime() == "" {
		return fmt.Errorf("there is no language %q, only %q", l, Languages())
	}
	return nil
}
