package cluster

import "crypto/ed25519"

// SignedText is what the signature of a module is of, Ed25519 as in RFC 8032: its
// digest, and what is said by it, so that it stands for nothing else.
func SignedText(digest string) []byte {
	return []byte("graflow-wasm module signature v1\n" + digest + "\n")
}

// IsSigned tells whether a signature is one of a module by a key.
func IsSigned(digest string, key, signature []byte) bool {
	return len(key) == ed25519.PublicKeySize && ed25519.Verify(ed25519.PublicKey(key), SignedText(digest), signature)
}
