package script

import (
	"bytes"
	"encoding"
	"fmt"

	"github.com/graflow/graflow-wasm/wasmhost"
)

// The form of a session: the magic, a version, the language's name after its length,
// and the image, if there is one. The image has digests of the interpreter and
// a checksum of its own.
const (
	sessionMagic   = "graflow-session"
	sessionVersion = 1
)

var (
	_ encoding.BinaryMarshaler   = (*Session)(nil)
	_ encoding.BinaryUnmarshaler = (*Session)(nil)
)

// MarshalBinary is the session in a form for other processes and machines, with whatever
// the code held, secrets among it. It is not compressed, encrypted or signed. It waits
// for a run that uses the session.
func (s *Session) MarshalBinary() ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	head := append([]byte(sessionMagic), sessionVersion, byte(len(s.language)))
	head = append(head, s.language...)
	if s.image == nil {
		return head, nil
	}
	image, err := s.image.MarshalBinary()
	if err != nil {
		return nil, fmt.Errorf("write session: %w", err)
	}
	return append(head, image...), nil
}

// UnmarshalBinary makes s what MarshalBinary made data of. data may be anybody's: what
// is damaged is refused with ErrSession, and what passes is no more than code has in its
// sandbox.
func (s *Session) UnmarshalBinary(data []byte) error {
	language, image, err := parseSession(data)
	if err != nil {
		return fmt.Errorf("read session: %w: %w", ErrSession, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.language, s.image = language, image
	return nil
}

func parseSession(data []byte) (Language, *wasmhost.Image, error) {
	rest, ours := bytes.CutPrefix(data, []byte(sessionMagic))
	switch {
	case !ours:
		return "", nil, fmt.Errorf("the bytes are no session")
	case len(rest) < 2 || len(rest) < 2+int(rest[1]):
		return "", nil, fmt.Errorf("it is cut off")
	case rest[0] != sessionVersion:
		return "", nil, fmt.Errorf("it has version %d, want %d", rest[0], sessionVersion)
	}
	end := 2 + int(rest[1])
	language, rest := Language(rest[2:end]), rest[end:]
	if language == "" && len(rest) == 0 {
		return "", nil, nil
	}
	if err := language.check(); err != nil {
		return "", nil, err
	}
	image := new(wasmhost.Image)
	if err := image.UnmarshalBinary(rest); err != nil {
		return "", nil, err
	}
	return language, image, nil
}
