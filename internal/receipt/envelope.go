package receipt

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// PayloadType is that of an in-toto Statement in a DSSE envelope.
const PayloadType = "application/vnd.in-toto+json"

// MaxBytes bounds a receipt that is read.
const MaxBytes = 256 << 20

// Errors of Open.
var (
	// ErrMalformed is what is no receipt, or one that was changed where no signature
	// is needed to see it.
	ErrMalformed = errors.New("it is no receipt, or not as it was written")
	// ErrSignature is a signature that is not one of the key over what is signed.
	ErrSignature = errors.New("the signature is not one of what the receipt says: it was changed after it was signed")
	// ErrUntrusted is a receipt that none of the keys has signed.
	ErrUntrusted = errors.New("it is signed by a key that is not trusted")
)

// envelope is a DSSE envelope, version 1 of that specification.
type envelope struct {
	PayloadType string      `json:"payloadType"`
	Payload     string      `json:"payload"` // base64
	Signatures  []signature `json:"signatures"`
}

type signature struct {
	KeyID string `json:"keyid"`
	Sig   string `json:"sig"` // base64
}

// KeyID names a key in receipts: "ed25519:" and its bytes in base64, as the command
// prints keys.
func KeyID(key ed25519.PublicKey) string {
	return "ed25519:" + base64.RawStdEncoding.EncodeToString(key)
}

// keyOf is the key that an id names, nil if it names none.
func keyOf(id string) ed25519.PublicKey {
	const prefix = len("ed25519:")
	if len(id) < prefix {
		return nil
	}
	key, err := base64.RawStdEncoding.Strict().DecodeString(id[prefix:])
	if err != nil || len(key) != ed25519.PublicKeySize || KeyID(key) != id {
		return nil
	}
	return key
}

// authenticated is what is signed: the pre-authentication encoding (PAE) of DSSE.
func authenticated(payloadType string, payload []byte) []byte {
	b := make([]byte, 0, len(payload)+64)
	b = append(b, "DSSEv1 "...)
	b = strconv.AppendInt(b, int64(len(payloadType)), 10)
	b = append(append(append(b, ' '), payloadType...), ' ')
	b = strconv.AppendInt(b, int64(len(payload)), 10)
	return append(append(b, ' '), payload...)
}

// Seal signs a statement, and returns the receipt: one line of JSON.
func Seal(s *Statement, key ed25519.PrivateKey) ([]byte, error) {
	payload, err := encode(s)
	if err != nil {
		return nil, fmt.Errorf("encode the receipt: %w", err)
	}
	public, ok := key.Public().(ed25519.PublicKey)
	if !ok {
		return nil, errors.New("sign the receipt: it is no key of Ed25519")
	}
	raw, err := envelope{
		PayloadType: PayloadType, Payload: base64.StdEncoding.EncodeToString(payload),
		Signatures: []signature{{KeyID: KeyID(public), Sig: base64.StdEncoding.EncodeToString(ed25519.Sign(key, authenticated(PayloadType, payload)))}},
	}.bytes()
	if err == nil && len(raw) > MaxBytes {
		return nil, fmt.Errorf("the receipt would have %d bytes, %d is the most", len(raw), MaxBytes)
	}
	return raw, err
}

func (e envelope) bytes() ([]byte, error) { return encode(e) }

// encode is the one way in which a part of a receipt is written.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return b.Bytes(), err
}

// Open reads a receipt, checks its signature, and that it is by one of the trusted keys.
// signer is who signed it, also beside ErrUntrusted, when the signature itself is good.
// A receipt can be written in one way only: another spelling of the same is
// ErrMalformed, so that no byte of it can be changed unseen. Nothing that it says has
// been checked against anything yet.
func Open(raw []byte, trusted []ed25519.PublicKey) (s *Statement, signer ed25519.PublicKey, err error) {
	e, payload, err := readEnvelope(raw)
	if err != nil {
		return nil, nil, err
	}
	signed := e.Signatures[0]
	signer = keyOf(signed.KeyID)
	if signer == nil {
		return nil, nil, fmt.Errorf("%w: its keyid %.80q is no key", ErrMalformed, signed.KeyID)
	}
	sig, err := base64.StdEncoding.Strict().DecodeString(signed.Sig)
	if err != nil || !ed25519.Verify(signer, authenticated(e.PayloadType, payload), sig) {
		return nil, nil, ErrSignature
	}
	known := false
	for _, key := range trusted {
		known = known || bytes.Equal(key, signer)
	}
	if !known {
		return nil, signer, fmt.Errorf("%w: %s", ErrUntrusted, signed.KeyID)
	}
	s, err = readStatement(payload)
	return s, signer, err
}

// readEnvelope reads what is around the statement.
func readEnvelope(raw []byte) (e envelope, payload []byte, err error) {
	if len(raw) > MaxBytes {
		return e, nil, fmt.Errorf("%w: it has %d bytes, %d is the most", ErrMalformed, len(raw), MaxBytes)
	}
	if err := json.Unmarshal(raw, &e); err != nil {
		return e, nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	switch {
	case e.PayloadType != PayloadType:
		return e, nil, fmt.Errorf("%w: its payloadType is %.80q, want %q", ErrMalformed, e.PayloadType, PayloadType)
	case len(e.Signatures) != 1:
		return e, nil, fmt.Errorf("%w: it has %d signatures, want 1", ErrMalformed, len(e.Signatures))
	}
	again, err := e.bytes()
	if err != nil || !bytes.Equal(again, raw) {
		return e, nil, fmt.Errorf("%w: this is not how a receipt is written", ErrMalformed)
	}
	if payload, err = base64.StdEncoding.Strict().DecodeString(e.Payload); err != nil {
		return e, nil, fmt.Errorf("%w: its payload: %w", ErrMalformed, err)
	}
	return e, payload, nil
}
