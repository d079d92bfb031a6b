package secrets

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// MaxValue is the most bytes that a secret may have.
const MaxValue = 1 << 20

// maxName is the most bytes that a secret's name may have.
const maxName = 128

// A Store finds secrets. It is safe for concurrent use.
type Store interface {
	// Secret is the value of a secret, the caller's to keep. It fails with
	// ErrNotFound if the store has none of that name, with ErrName if none can
	// have it.
	Secret(ctx context.Context, name string) ([]byte, error)
}

// CheckName fails with ErrName unless name can be that of a secret: up to 128
// letters, digits, "_" and "-", the first of them no "-".
func CheckName(name string) error {
	foreign := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_' && r != '-'
	}
	if name == "" || len(name) > maxName || name[0] == '-' || strings.ContainsFunc(name, foreign) {
		return fmt.Errorf("%w: %.150q: want up to %d letters, digits, _ and -, the first no -", ErrName, name, maxName)
	}
	return nil
}

// checkValue fails with ErrTooLarge if a value is.
func checkValue(name string, value []byte) error {
	if len(value) > MaxValue {
		return fmt.Errorf("secret %q: %w: it has %d bytes, want at most %d: store where it is found instead", name, ErrTooLarge, len(value), MaxValue)
	}
	return nil
}

// chain asks stores in turn.
type chain []Store

// Chain is a store that asks stores in turn: the first that has a secret wins.
// A store that fails ends the search, so that what it hides is not answered by
// another.
func Chain(stores ...Store) Store { return chain(slices.Clone(stores)) }

// Secret implements Store.
func (c chain) Secret(ctx context.Context, name string) ([]byte, error) {
	if err := CheckName(name); err != nil {
		return nil, err
	}
	for _, store := range c {
		if value, err := store.Secret(ctx, name); !errors.Is(err, ErrNotFound) {
			return value, err
		}
	}
	return nil, fmt.Errorf("secret %q: %w", name, ErrNotFound)
}

// Missing says which secrets no store has. It is an ErrNotFound.
type Missing struct{ Names []string }

// Error implements error.
func (m *Missing) Error() string {
	if len(m.Names) == 1 {
		return fmt.Sprintf("secret %q is missing", m.Names[0])
	}
	return fmt.Sprintf("secrets %s are missing", strings.Trim(fmt.Sprintf("%q", m.Names), "[]"))
}

// Unwrap returns ErrNotFound.
func (*Missing) Unwrap() error { return ErrNotFound }

// Collect fetches secrets by their names, each once. All that are not there are
// told together, in a *Missing; any other error ends it.
func Collect(ctx context.Context, store Store, names ...string) (map[string][]byte, error) {
	values := map[string][]byte{}
	var missing []string
	for _, name := range names {
		if values[name] != nil || slices.Contains(missing, name) {
			continue
		}
		value, err := store.Secret(ctx, name)
		switch {
		case errors.Is(err, ErrNotFound):
			missing = append(missing, name)
		case err != nil:
			return nil, err
		default:
			values[name] = append([]byte{}, value...)
		}
	}
	if len(missing) > 0 {
		return nil, &Missing{Names: missing}
	}
	return values, nil
}
