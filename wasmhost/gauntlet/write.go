package gauntlet

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Manifest is what Write tells of the modules, in the file manifest.json.
type Manifest struct {
	EntriesMost int               `json:"entries_most"`
	ServerPaths map[string]string `json:"server_paths"`
	Groups      map[string]string `json:"groups"`
	Cases       []Entry           `json:"cases"`
}

// Entry is one case of a Manifest.
type Entry struct {
	Case
	File   string `json:"file"`   // below the directory
	SHA256 string `json:"sha256"` // of the module
	Size   int    `json:"size"`   // bytes
}

// Write puts the modules of all cases into a directory, each at GROUP/CASE.wasm,
// and beside them manifest.json, a Manifest. Durations in it are nanoseconds.
func Write(dir string) error {
	_, about := Groups()
	manifest := Manifest{EntriesMost: EntriesMost, ServerPaths: ServerPaths, Groups: about}
	for _, c := range Cases() {
		wasm := c.Module()
		entry := Entry{Case: c, File: c.Name + ".wasm", SHA256: digest(wasm), Size: len(wasm)}
		if err := writeFile(filepath.Join(dir, filepath.FromSlash(entry.File)), wasm); err != nil {
			return err
		}
		manifest.Cases = append(manifest.Cases, entry)
	}
	text, err := json.MarshalIndent(manifest, "", "  ")
	if err != nil {
		return fmt.Errorf("write gauntlet: encode the manifest: %w", err)
	}
	return writeFile(filepath.Join(dir, "manifest.json"), append(text, '\n'))
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func writeFile(name string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o750); err != nil {
		return fmt.Errorf("write gauntlet: %w", err)
	}
	if err := os.WriteFile(name, content, 0o600); err != nil {
		return fmt.Errorf("write gauntlet: %w", err)
	}
	return nil
}

// Digests lists "name sha256 size" of every module, a line each: what must not
// change by accident.
func Digests() string {
	var out strings.Builder
	for _, c := range Cases() {
		wasm := c.Module()
		fmt.Fprintf(&out, "%s %s %d\n", c.Name, digest(wasm), len(wasm))
	}
	return out.String()
}
