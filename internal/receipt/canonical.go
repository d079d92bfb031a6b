package receipt

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

const digestPrefix = "sha256:"

// Canonical is a JSON value in one form: the keys of objects sorted, no white space, no
// characters escaped that need not be, numbers as they are written. nil is null.
func Canonical(value json.RawMessage) ([]byte, error) {
	d := json.NewDecoder(bytes.NewReader(orNull(value)))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, fmt.Errorf("read a value: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("read a value: there is more behind it")
	}
	raw, err := encode(v)
	return bytes.TrimSuffix(raw, []byte("\n")), err
}

// Digest is "sha256:" and the hash of the canonical form.
func Digest(value json.RawMessage) (string, error) {
	v, err := valueOf(value)
	return v.Digest, err
}

func valueOf(value json.RawMessage) (Value, error) {
	raw, err := Canonical(value)
	if err != nil {
		return Value{}, err
	}
	return Value{Digest: hashOf(raw), Bytes: len(raw)}, nil
}

func hashOf(raw []byte) string {
	sum := sha256.Sum256(raw)
	return digestPrefix + hex.EncodeToString(sum[:])
}

func orNull(value json.RawMessage) json.RawMessage {
	if len(value) == 0 {
		return json.RawMessage("null")
	}
	return value
}

// digestOf is the digest of a Go value as JSON.
func digestOf(v any) (string, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return "", err
	}
	return Digest(raw)
}
