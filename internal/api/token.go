package api

import (
	"bufio"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"unicode"

	"github.com/graflow/graflow-wasm/internal/ops"
)

// Bounds of tokens and of their names, in bytes.
const (
	maxToken     = 512
	maxTokenName = 64
)

// Tokens are those that a server accepts, each with a role and a name. Only their
// digests are kept. It is safe for concurrent use.
type Tokens struct {
	all    atomic.Pointer[[]accepted]
	cookie string
}

type accepted struct {
	digest [sha256.Size]byte
	role   ops.Role
	name   string
}

// DrawToken makes a token: 32 random bytes.
func DrawToken() string {
	var raw [32]byte
	_, _ = rand.Read(raw[:]) // never fails
	return "gw_" + base64.RawURLEncoding.EncodeToString(raw[:])
}

// TokenLine is the line of a token in a file of tokens, without its end.
func TokenLine(role ops.Role, token, name string) string {
	digest := sha256.Sum256([]byte(token))
	return fmt.Sprintf("%s %s %s", role, hex.EncodeToString(digest[:]), name)
}

// ReadTokens reads tokens, one a line: ROLE SHA256HEX NAME, where the digest is that of
// the token's bytes. Empty lines and those that begin with # say nothing. Two tokens
// can't have one name, nor two names one token.
func ReadTokens(r io.Reader) (*Tokens, error) {
	var all []accepted
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		text := strings.TrimSpace(lines.Text())
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		one, err := parseToken(text)
		if err == nil {
			err = apart(all, one)
		}
		if err != nil {
			return nil, fmt.Errorf("line %d of the tokens: %w", n, err)
		}
		all = append(all, one)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read tokens: %w", err)
	}
	t := &Tokens{cookie: cookieOf(all)}
	t.all.Store(&all)
	return t, nil
}

// cookieOf names the cookie of those who have the tokens: browsers do not tell servers
// of one host apart by their ports, and a session on one is not to end that on another.
// Servers that share the tokens of the roles share the cookie.
func cookieOf(all []accepted) string {
	sum := sha256.New()
	for _, one := range all {
		if one.name == string(one.role) {
			sum.Write(one.digest[:])
		}
	}
	return Cookie + "_" + hex.EncodeToString(sum.Sum(nil)[:4])
}

// Cookie is the name of the cookie in which the console of this server keeps a token. It
// stays when tokens are replaced.
func (t *Tokens) Cookie() string { return t.cookie }

// parseToken reads a line. Its error does not repeat it: it may be a token by mistake.
func parseToken(line string) (accepted, error) {
	fields := strings.Fields(line)
	if len(fields) != 3 {
		return accepted{}, fmt.Errorf("%d words, want three: ROLE SHA256HEX NAME", len(fields))
	}
	one := accepted{role: ops.Role(fields[0]), name: fields[2]}
	if !one.role.Valid() {
		return accepted{}, fmt.Errorf("its role is not one of %v", ops.Roles())
	}
	raw, err := hex.DecodeString(fields[1])
	if err != nil || copy(one.digest[:], raw) != sha256.Size || len(raw) != sha256.Size {
		return accepted{}, fmt.Errorf("want the SHA-256 of the token as %d hexadecimal digits", 2*sha256.Size)
	}
	unseen := func(r rune) bool { return !unicode.IsPrint(r) }
	if len(one.name) > maxTokenName || strings.ContainsFunc(one.name, unseen) {
		return accepted{}, fmt.Errorf("its name is not up to %d bytes that can be seen", maxTokenName)
	}
	return one, nil
}

func apart(all []accepted, one accepted) error {
	for _, other := range all {
		switch {
		case other.name == one.name:
			return fmt.Errorf("the name %q is another token's", one.name)
		case other.digest == one.digest:
			return fmt.Errorf("%q and %q are the same token", other.name, one.name)
		}
	}
	return nil
}

// Authenticate tells the role and the name of a token; ok is false if it is none. It
// takes as long whichever it is.
func (t *Tokens) Authenticate(token string) (role ops.Role, name string, ok bool) {
	if token == "" || len(token) > maxToken {
		return "", "", false
	}
	return t.holder(sha256.Sum256([]byte(token)))
}

// holder tells whose digest of a token it is.
func (t *Tokens) holder(digest [sha256.Size]byte) (role ops.Role, name string, ok bool) {
	found := -1
	all := *t.all.Load()
	for i := range all {
		if subtle.ConstantTimeCompare(digest[:], all[i].digest[:]) == 1 {
			found = i
		}
	}
	if found < 0 {
		return "", "", false
	}
	return all[found].role, all[found].name, true
}

// Replace has t accept the tokens of another, and those alone.
func (t *Tokens) Replace(with *Tokens) { t.all.Store(with.all.Load()) }
