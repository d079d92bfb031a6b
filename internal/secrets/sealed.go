package secrets

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"time"

	"filippo.io/age"
)

// maxFile is the most bytes that a sealed file may have.
const maxFile = 64 << 20

// sealedVersion is that of the document in a file.
const sealedVersion = 1

// document is what is sealed, as JSON.
type document struct {
	Version int              `json:"version"`
	Secrets map[string]entry `json:"secrets"`
}

// entry is a secret in a document; its value is in base64 there.
type entry struct {
	Value   []byte    `json:"value"`
	Updated time.Time `json:"updated"`
}

// load is what the file holds, not to be changed. What was opened is kept, as
// opening with a passphrase takes long, until the file has other bytes.
func (f *File) load() (map[string]entry, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	sealed, err := readSealed(f.config.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return map[string]entry{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read secrets from %s: %w", f.config.Path, err)
	}
	digest := sha256.Sum256(sealed)
	if f.opened != nil && f.digest == digest {
		return f.opened, nil
	}
	k, err := f.key()
	if err != nil {
		return nil, err
	}
	all, err := open(k, sealed)
	if err != nil {
		return nil, fmt.Errorf("read secrets from %s: %w", f.config.Path, err)
	}
	f.digest, f.opened = digest, all
	return all, nil
}

// readSealed reads a file that only its owner may write.
func readSealed(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // it was only read
	if err := private(name, 0o022); err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = fmt.Errorf("%w: want at most %d bytes", ErrTooLarge, maxFile)
	}
	return data, err
}

// open decrypts a sealed file and decodes it.
func open(k key, sealed []byte) (map[string]entry, error) {
	plain, err := age.Decrypt(bytes.NewReader(sealed), k.identity)
	var mismatch *age.NoIdentityMatchError
	if errors.As(err, &mismatch) {
		return nil, fmt.Errorf("%w: %s does not open it: %s", ErrIdentity, k.sealed, sealedTo(mismatch.StanzaTypes))
	}
	var text []byte
	if err == nil {
		text, err = io.ReadAll(plain)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w; restore it from a backup, or remove it and set the secrets again", ErrCorrupt, err)
	}
	return decode(text)
}

// sealedTo says what would open a file that is sealed to keys of some types.
func sealedTo(types []string) string {
	if slices.Contains(types, "scrypt") {
		return "it is sealed with a passphrase, give the right one"
	}
	return "it is sealed to an identity, name the right one and give no passphrase"
}

// decode reads a document. Its errors don't quote it.
func decode(text []byte) (map[string]entry, error) {
	var d document
	if err := json.Unmarshal(text, &d); err != nil {
		return nil, fmt.Errorf("%w: what is sealed is no document of secrets; name another file", ErrCorrupt)
	}
	if d.Version != sealedVersion {
		return nil, fmt.Errorf("%w: it has version %d, this program reads %d: use the program that wrote it", ErrCorrupt, d.Version, sealedVersion)
	}
	for name, e := range d.Secrets {
		if err := errors.Join(CheckName(name), checkValue(name, e.Value)); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
		}
	}
	if d.Secrets == nil {
		d.Secrets = map[string]entry{}
	}
	return d.Secrets, nil
}

// store seals secrets and replaces the file.
func (f *File) store(k key, all map[string]entry) error {
	text, err := json.Marshal(document{Version: sealedVersion, Secrets: all})
	if err != nil {
		return fmt.Errorf("encode secrets: %w", err)
	}
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, k.recipient)
	if err == nil {
		_, err = w.Write(text)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return fmt.Errorf("seal secrets to %s: %w", k.sealed, err)
	}
	if sealed.Len() > maxFile {
		return fmt.Errorf("write secrets to %s: %w: it would have %d bytes, want at most %d", f.config.Path, ErrTooLarge, sealed.Len(), maxFile)
	}
	if err := replace(f.config.Path, sealed.Bytes()); err != nil {
		return fmt.Errorf("write secrets: %w", err)
	}
	return nil
}
