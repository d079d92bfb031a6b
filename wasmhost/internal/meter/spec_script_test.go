package meter_test

import (
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// script is a file of the WebAssembly test suite, as wast2json writes it.
type script struct {
	dir      string
	name     string
	Commands []command `json:"commands"`
}

type command struct {
	Type       string  `json:"type"`
	Line       int     `json:"line"`
	Name       string  `json:"name"`
	Filename   string  `json:"filename"`
	As         string  `json:"as"`
	Action     action  `json:"action"`
	Expected   []value `json:"expected"`
	ModuleType string  `json:"module_type"`
	Text       string  `json:"text"`
}

type action struct {
	Type   string  `json:"type"`
	Args   []value `json:"args"`
	Field  string  `json:"field"`
	Module string  `json:"module"`
}

type value struct {
	Type  string          `json:"type"`
	Lane  string          `json:"lane_type"`
	Value json.RawMessage `json:"value"`
}

// suiteDir is where wazero's module keeps the test suite.
var suiteDir = sync.OnceValues(func() (string, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/tetratelabs/wazero").Output()
	return filepath.Join(strings.TrimSpace(string(out)), "internal", "integration_test", "spectest"), err
})

// suite lists the scripts of one part of the suite: v1, v2 or tail-call.
func suite(t *testing.T, part string) []string {
	t.Helper()
	dir, err := suiteDir()
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, part, "testdata", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts of %s in %s: %v", part, dir, err)
	}
	return files
}

func readScript(t *testing.T, file string) *script {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s := &script{dir: filepath.Dir(file), name: strings.TrimSuffix(filepath.Base(file), ".json")}
	if err := json.Unmarshal(raw, s); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *script) module(t *testing.T, c *command) []byte {
	t.Helper()
	wasm, err := os.ReadFile(filepath.Join(s.dir, c.Filename))
	if err != nil {
		t.Fatal(err)
	}
	return wasm
}

// registeredName is the name under which later modules import what command i
// instantiates.
func (s *script) registeredName(i int) string {
	for j := i + 1; j < len(s.Commands); j++ {
		switch c := &s.Commands[j]; {
		case c.Type == "register" && (c.Name == s.Commands[i].Name || c.Name == "" && j == i+1):
			return c.As
		case c.Type == "module" && s.Commands[i].Name == "":
			return ""
		}
	}
	return ""
}

// text returns the value of a scalar, and the values of a vector's lanes.
func (v value) texts() []string {
	var one string
	if json.Unmarshal(v.Value, &one) == nil {
		return []string{one}
	}
	var lanes []string
	_ = json.Unmarshal(v.Value, &lanes) // null has none
	return lanes
}

var laneBits = map[string]int{"i8": 8, "i16": 16, "i32": 32, "i64": 64, "f32": 32, "f64": 64}

// arguments encodes values for wazero: a vector takes two.
func arguments(values []value) []uint64 {
	var out []uint64
	for _, v := range values {
		if v.Type != "v128" {
			out = append(out, v.scalar())
			continue
		}
		var words [2]uint64
		bits := laneBits[v.Lane]
		for i, text := range v.texts() {
			words[i*bits/64] |= number(text, bits) << (i * bits % 64)
		}
		out = append(out, words[:]...)
	}
	return out
}

func (v value) scalar() uint64 {
	text := strings.Join(v.texts(), "")
	switch {
	case text == "null" || text == "":
		return 0
	case v.Type == "externref":
		return number(text, 64) + 1 // wazero's null is zero
	case strings.HasSuffix(v.Type, "32"):
		return number(text, 32)
	}
	return number(text, 64)
}

func number(text string, bits int) uint64 {
	if strings.HasPrefix(text, "-") {
		n, _ := strconv.ParseInt(text, 10, 64)
		return uint64(n) & (math.MaxUint64 >> (64 - bits))
	}
	n, _ := strconv.ParseUint(text, 10, 64)
	return n
}

// matches reports whether results of wazero are the expected values.
func matches(got []uint64, want []value) bool {
	for _, w := range want {
		n := 1
		if w.Type == "v128" {
			n = 2
		}
		if len(got) < n || !w.matches(got[:n]) {
			return false
		}
		got = got[n:]
	}
	return len(got) == 0
}

func (v value) matches(got []uint64) bool {
	if v.Type == "v128" {
		bits := laneBits[v.Lane]
		for i, text := range v.texts() {
			lane := got[i*bits/64] >> (i * bits % 64) & (math.MaxUint64 >> (64 - bits))
			if !matchesText(lane, text, bits) {
				return false
			}
		}
		return true
	}
	texts := v.texts()
	if len(texts) == 0 { // any reference
		return true
	}
	switch {
	case texts[0] == "null" || v.Type == "externref":
		return got[0] == v.scalar()
	case strings.HasSuffix(v.Type, "32"):
		return matchesText(got[0]&math.MaxUint32, texts[0], 32)
	}
	return matchesText(got[0], texts[0], 64)
}

// matchesText compares bits with a number or a class of NaNs.
func matchesText(got uint64, text string, bits int) bool {
	quiet, sign := uint64(0x7ff8)<<48, uint64(1)<<63
	if bits == 32 {
		quiet, sign = 0x7fc00000, 1<<31
	}
	switch text {
	case "nan:canonical":
		return got&^sign == quiet
	case "nan:arithmetic":
		return got&quiet == quiet
	}
	return got == number(text, bits)
}
