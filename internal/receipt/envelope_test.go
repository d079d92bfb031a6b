package receipt_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/internal/receipt"
)

// newKey is a key of a test, the same for the same byte.
func newKey(b byte) (ed25519.PrivateKey, ed25519.PublicKey) {
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{b}, ed25519.SeedSize))
	public, _ := key.Public().(ed25519.PublicKey)
	return key, public
}

func sealed(tb testing.TB, s *receipt.Statement) (raw []byte, trusted []ed25519.PublicKey) {
	tb.Helper()
	key, public := newKey(1)
	raw, err := receipt.Seal(s, key)
	if err != nil {
		tb.Fatal(err)
	}
	return raw, []ed25519.PublicKey{public}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	was := recorded(t, diamond(t), `{"n": 3}`, receipt.Options{Graph: true, Embed: 1 << 20})
	raw, trusted := sealed(t, was)
	got, signer, err := receipt.Open(raw, trusted)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(signer, trusted[0]) {
		t.Errorf("signed by %x, want %x", signer, trusted[0])
	}
	if want, again := mustJSON(t, was), mustJSON(t, got); !bytes.Equal(want, again) {
		t.Errorf("read %s\nwant %s", again, want)
	}
}

// A receipt is a DSSE envelope: what is signed is the pre-authentication encoding of its
// payload, as https://github.com/secure-systems-lab/dsse has it.
func TestEnvelope(t *testing.T) {
	t.Parallel()
	raw, trusted := sealed(t, recorded(t, diamond(t), "1", receipt.Options{}))
	var e struct {
		PayloadType, Payload string
		Signatures           []struct{ KeyID, Sig []byte }
	}
	var plain struct {
		Signatures []struct{ Sig string }
	}
	if err := json.Unmarshal(raw, &plain); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(bytes.ReplaceAll(raw, []byte(`"keyid":"ed25519:`), []byte(`"x":"`)), &e); err != nil {
		t.Fatal(err)
	}
	payload, err := base64.StdEncoding.DecodeString(e.Payload)
	if err != nil {
		t.Fatal(err)
	}
	sig, err := base64.StdEncoding.DecodeString(plain.Signatures[0].Sig)
	if err != nil {
		t.Fatal(err)
	}
	signed := "DSSEv1 28 application/vnd.in-toto+json " + itoa(len(payload)) + " " + string(payload)
	if !ed25519.Verify(trusted[0], []byte(signed), sig) {
		t.Error("the signature is not one of the pre-authentication encoding")
	}
	var statement map[string]json.RawMessage
	if err := json.Unmarshal(payload, &statement); err != nil {
		t.Fatal(err)
	}
	if got, want := string(statement["_type"]), `"https://in-toto.io/Statement/v1"`; got != want {
		t.Errorf("_type %s, want %s", got, want)
	}
}

// No byte of a receipt can be another without that being seen.
func TestEveryByte(t *testing.T) {
	t.Parallel()
	raw, trusted := sealed(t, recorded(t, diamond(t), "1", receipt.Options{}))
	changed := make([]byte, len(raw))
	for i := range raw {
		for _, change := range []byte{1 << (i % 8), ' '} { // the latter makes other letters of letters
			copy(changed, raw)
			changed[i] ^= change
			if _, _, err := receipt.Open(changed, trusted); err == nil {
				t.Fatalf("byte %d: %q became %q, and nobody saw it", i, raw[i], changed[i])
			}
		}
		if _, _, err := receipt.Open(raw[:i], trusted); err == nil {
			t.Fatalf("cut after %d bytes, and nobody saw it", i)
		}
	}
	for _, more := range []string{" ", "\n", "{}", "\x00"} {
		if _, _, err := receipt.Open(append(bytes.Clone(raw), more...), trusted); !errors.Is(err, receipt.ErrMalformed) {
			t.Errorf("with %q behind it: %v, want ErrMalformed", more, err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	s := recorded(t, diamond(t), "1", receipt.Options{})
	raw, trusted := sealed(t, s)
	_, other := newKey(2)
	key, _ := newKey(1)
	resealed := func(change func(s *receipt.Statement)) []byte {
		c := *s
		c.Predicate.Steps = append([]receipt.Step(nil), s.Predicate.Steps...)
		change(&c)
		raw, err := receipt.Seal(&c, key)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	for name, test := range map[string]struct {
		raw  []byte
		keys []ed25519.PublicKey
		want error
	}{
		"another key":       {raw, []ed25519.PublicKey{other}, receipt.ErrUntrusted},
		"no key":            {raw, nil, receipt.ErrUntrusted},
		"nothing":           {nil, trusted, receipt.ErrMalformed},
		"no JSON":           {[]byte("receipt"), trusted, receipt.ErrMalformed},
		"indented":          {indented(t, raw), trusted, receipt.ErrMalformed},
		"another type":      {resealed(func(s *receipt.Statement) { s.PredicateType = "https://slsa.dev/provenance/v1" }), trusted, receipt.ErrMalformed},
		"another version":   {resealed(func(s *receipt.Statement) { s.Predicate.Version = 2 }), trusted, receipt.ErrMalformed},
		"another subject":   {resealed(func(s *receipt.Statement) { s.Subject = nil }), trusted, receipt.ErrMalformed},
		"a task that isn't": {resealed(func(s *receipt.Statement) { s.Predicate.Steps[0].Task = 99 }), trusted, receipt.ErrMalformed},
		"another input":     {resealed(func(s *receipt.Statement) { s.Predicate.Input.Value = json.RawMessage("2") }), trusted, receipt.ErrMalformed},
		"another signature": {bytes.Replace(raw, []byte(`"sig":"`), []byte(`"sig":"AAAA`), 1), trusted, receipt.ErrSignature},
	} {
		if _, _, err := receipt.Open(test.raw, test.keys); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
	if _, signer, _ := receipt.Open(raw, nil); receipt.KeyID(signer) != receipt.KeyID(trusted[0]) {
		t.Error("who signed it is not told where he is not trusted")
	}
}

func indented(t *testing.T, raw []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := json.Indent(&b, raw, "", " "); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// FuzzOpen reads anybody's bytes, as they are and signed: it must not panic, and what it
// accepts is written in one way.
func FuzzOpen(f *testing.F) {
	s := small()
	raw, trusted := sealed(f, s)
	key, _ := newKey(1)
	if _, _, err := receipt.Open(raw, trusted); err != nil {
		f.Fatal(err) // it would be no seed
	}
	f.Add(raw)
	f.Add(mustJSON(f, s))
	f.Add([]byte(`{"_type":"https://in-toto.io/Statement/v1","predicateType":"` + receipt.PredicateType + `","predicate":{"version":1,"steps":[{"task":-1}]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if s, _, err := receipt.Open(data, trusted); err == nil {
			if again, err := receipt.Seal(s, key); err != nil || !bytes.Equal(again, data) && !strings.Contains(string(data), `"payload"`) {
				t.Errorf("sealed again: %v", err)
			}
		}
		signed := signPayload(t, key, data) // as one who has a trusted key might
		s, _, err := receipt.Open(signed, trusted)
		if err != nil {
			return
		}
		receipt.Compare(&s.Predicate, &s.Predicate, false, nil)
		_ = mustJSON(t, s)
	})
}

// signPayload is an envelope around any payload.
func signPayload(tb testing.TB, key ed25519.PrivateKey, payload []byte) []byte {
	tb.Helper()
	pae := "DSSEv1 28 application/vnd.in-toto+json " + itoa(len(payload)) + " " + string(payload)
	public, _ := key.Public().(ed25519.PublicKey)
	type signature struct {
		KeyID string `json:"keyid"`
		Sig   string `json:"sig"`
	}
	return append(mustJSON(tb, struct {
		PayloadType string      `json:"payloadType"`
		Payload     string      `json:"payload"`
		Signatures  []signature `json:"signatures"`
	}{receipt.PayloadType, base64.StdEncoding.EncodeToString(payload), []signature{{
		receipt.KeyID(public), base64.StdEncoding.EncodeToString(ed25519.Sign(key, []byte(pae))),
	}}}), '\n')
}

// small is a statement of a run of one task.
func small() *receipt.Statement {
	digest := "sha256:74234e98afe7498fb5daf1f36ac2d78acc339464f950703b8c019892f982b90b" // of null
	value := receipt.Value{Digest: digest, Bytes: 4, Value: json.RawMessage("null")}
	return &receipt.Statement{
		Type: receipt.StatementType, PredicateType: receipt.PredicateType,
		Subject: []receipt.Subject{{Name: "output", Digest: map[string]string{"sha256": digest[len("sha256:"):]}}},
		Predicate: receipt.Predicate{
			Version: receipt.Version, Run: "r", Input: value, Output: value, Status: "succeeded", Clock: receipt.ClockStart,
			Tasks:   []receipt.Task{{ID: "t", Handler: "wasm", Module: digest}},
			Steps:   []receipt.Step{{Activation: "t", Attempt: 1, Input: value, End: receipt.EndCompleted, Output: value, Fuel: 7, Result: &receipt.Result{}}},
			Answers: []receipt.Answer{{Activation: "t", Pause: "p", Answer: value}},
			Retries: []receipt.Retry{{Task: "t", Input: &value}},
		},
	}
}
