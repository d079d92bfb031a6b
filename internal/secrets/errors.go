package secrets

import "errors"

// What a store's methods fail with. Their messages name file or secret and say
// what to do.
var (
	// ErrNotFound: no store has the secret.
	ErrNotFound = errors.New("not found")
	// ErrName: no secret can have this name.
	ErrName = errors.New("invalid name of a secret")
	// ErrTooLarge: a value of more than MaxValue bytes, or a file with more
	// than can be kept.
	ErrTooLarge = errors.New("too large")
	// ErrIdentity: the file is sealed to another identity or passphrase, or
	// there is none.
	ErrIdentity = errors.New("wrong identity")
	// ErrCorrupt: the file is damaged, or not one of secrets.
	ErrCorrupt = errors.New("corrupt file")
	// ErrPermissions: others can read the identity, or write the file.
	ErrPermissions = errors.New("unsafe permissions")
)
