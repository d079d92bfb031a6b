package lines

import (
	"cmp"
	"context"
	"encoding/json"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/graflow/graflow-wasm/sdk/abi"
)

// maxName is the longest name of an artifact, in bytes.
const maxName = 1024

// filePut hands an artifact on as it comes in. One that is refused before ends
// the connection: its bytes are on the way.
func (a *attempt) filePut(ctx context.Context, r *request, from *lineReader) ([]byte, error) {
	name, size := r.named("name"), r.size()
	err := r.err
	if err == nil {
		err = a.reserve(name, size)
	}
	if err != nil {
		return nil, hungUp{err}
	}
	b := &body{from: from, left: size}
	digest, err := a.config.Files.Put(ctx, name, size, b)
	switch lost := b.finish(); {
	case lost != nil:
		return nil, hungUp{invalid("file %.100q: it ended %d bytes before its size", name, b.left)}
	case err != nil:
		return nil, a.unlessOver(ctx, err)
	}
	f := abi.File{Digest: digest, Name: name, Size: size}
	a.mu.Lock()
	a.files[name] = f
	a.mu.Unlock()
	return json.Marshal(f)
}

// reserve takes room for an artifact, which it does not give back: one that
// fails is not tried forever.
func (a *attempt) reserve(name string, size int64) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.config.Files == nil:
		return abi.Unavailable
	case !fs.ValidPath(name) || name == "." || len(name) > maxName || strings.ContainsFunc(name, unicode.IsControl) || strings.Contains(name, `\`):
		return invalid("file %.100q: want a relative path without \"..\", with slashes, of at most %d bytes", name, maxName)
	case size > a.limits.DiskBytes-a.disk:
		return refuse(abi.TooLarge, "file %.100q of %d bytes: %d of the limit disk_bytes, %d, are left", name, size, a.limits.DiskBytes-a.disk, a.limits.DiskBytes)
	case len(a.files) >= maxFiles:
		return refuse(abi.TooLarge, "file %.100q: there are %d already", name, maxFiles)
	}
	a.disk += size
	return nil
}

// sorted are the files by name.
func sorted(files map[string]abi.File) []abi.File {
	return slices.SortedFunc(maps.Values(files), func(a, b abi.File) int { return cmp.Compare(a.Name, b.Name) })
}
