package main

import (
	"bytes"
	"crypto/ed25519"
	"slices"

	"github.com/graflow/graflow-wasm/internal/cluster"
	"github.com/graflow/graflow-wasm/natsbus"
)

func signModule(key ed25519.PrivateKey, r *natsbus.ModuleRecord) {
	r.Signature = ed25519.Sign(key, cluster.SignedText(r.Digest))
	r.SignerKey = slices.Clone(key.Public().(ed25519.PublicKey))
}

// What a signature can be.
const (
	signatureNone    = "none"
	signatureForged  = "forged"  // it is not one of the digest by the key that it names
	signatureUnknown = "unknown" // good, by a key that is none of the trusted ones
	signatureTrusted = "trusted"
)

// signatureView is what there is to say of a signature.
type signatureView struct {
	Status string `json:"status"`
	Key    string `json:"key,omitempty"` // as text
}

// viewSignature checks the signature of a record.
func viewSignature(r natsbus.ModuleRecord, trusted []publicKey) signatureView {
	if len(r.Signature) == 0 {
		return signatureView{Status: signatureNone}
	}
	v := signatureView{Status: signatureForged}
	if len(r.SignerKey) != ed25519.PublicKeySize {
		return v
	}
	key := publicKey(r.SignerKey)
	v.Key = key.String()
	if !cluster.IsSigned(r.Digest, key, r.Signature) {
		return v
	}
	v.Status = signatureUnknown
	if slices.ContainsFunc(trusted, func(k publicKey) bool { return bytes.Equal(k, key) }) {
		v.Status = signatureTrusted
	}
	return v
}

// text says it to people.
func (v signatureView) text() string {
	switch v.Status {
	case signatureNone:
		return "no"
	case signatureForged:
		return "FORGED: the signature is not one of this digest"
	case signatureTrusted:
		return "yes, by a trusted key: " + v.Key
	}
	return "yes, by " + v.Key + ", which is no key that was given with --key"
}
