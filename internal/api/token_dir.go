package api

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/graflow/graflow-wasm/internal/ops"
)

// tokenList is the file of a directory with the digests of further tokens.
const tokenList = "list"

// OpenTokens reads the tokens of a directory, which it makes. For each role it has a
// file ROLE.token with the token that is named as the role; one that is missing is
// drawn. Further ones are in the file "list", if there is one, as [ReadTokens] reads
// them. Nobody but the user may read what it writes.
func OpenTokens(dir string) (*Tokens, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("tokens: %w", err)
	}
	var lines strings.Builder
	for _, role := range ops.Roles() {
		token, err := tokenOf(filepath.Join(dir, string(role)+".token"))
		if err != nil {
			return nil, fmt.Errorf("the token of %ss: %w", role, err)
		}
		lines.WriteString(TokenLine(role, token, string(role)) + "\n")
	}
	list, err := os.ReadFile(filepath.Join(dir, tokenList)) //nolint:gosec // the directory is the operator's
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("tokens: %w", err)
	}
	if _, err := ReadTokens(strings.NewReader(string(list))); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, tokenList), err) // with its own lines
	}
	t, err := ReadTokens(strings.NewReader(lines.String() + string(list)))
	if err != nil {
		return nil, fmt.Errorf("%s beside the tokens of the roles: %w", filepath.Join(dir, tokenList), err)
	}
	return t, nil
}

// tokenOf reads a file with a token, or draws one into it.
func tokenOf(file string) (string, error) {
	raw, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return drawInto(file)
	}
	if err != nil {
		return "", err
	}
	token := strings.TrimSpace(string(raw))
	if len(token) < 16 || len(token) > maxToken {
		return "", fmt.Errorf("%s: want 16 to %d bytes; remove it for another", file, maxToken)
	}
	return token, nil
}

// drawInto writes a token that is drawn, whole or not at all.
func drawInto(file string) (string, error) {
	token := DrawToken()
	f, err := os.CreateTemp(filepath.Dir(file), ".drawn-") // mode 0600
	if err != nil {
		return "", err
	}
	_, err = f.WriteString(token + "\n")
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return token, nil
}
