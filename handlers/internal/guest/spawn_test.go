package guest_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/handlers/internal/guest"
)

// grants wants an operator's patterns to cover what a task asks for, or not to.
func grants(t *testing.T, s guest.Spawn, err error, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Errorf("%s: got %v", s, err)
	case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
		t.Errorf("%s: got %v, want %q", s, err, want)
	}
}

const notAllowed = "grants.spawn[0]: the operator does not allow "

func TestSpawnWithinMost(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, c := range []struct {
		most        []string
		asked, want string
	}{
		{nil, "*", ""},
		{[]string{}, "img.wasm", notAllowed},
		{[]string{"*"}, "*", ""},
		{[]string{"*"}, "builtin:*", ""},
		{[]string{"lib/*"}, "./lib/a*.wasm", ""},
		{[]string{"lib/*"}, filepath.Join(dir, "lib/a.wasm"), ""},
		{[]string{"lib/*"}, "lib/a.wasm", ""},
		{[]string{"lib/*.wasm"}, "lib/*", notAllowed},
		{[]string{"lib/a.wasm"}, "lib/*.wasm", notAllowed},
		{[]string{"lib/*"}, "lib/*/x.wasm", notAllowed},
		{[]string{"lib/*"}, "*", notAllowed},
		{[]string{"*.wasm"}, "wasm:*", notAllowed},
		{[]string{"wasm:*"}, "img.wasm", notAllowed},
		{[]string{"builtin:*"}, "builtin:*", ""},
		{nil, "img.wasm#run", `grants.spawn[0]: "img.wasm#run" names an export`},
	} {
		s, err := guest.NewSpawn(dir, []string{c.asked}, c.most)
		grants(t, s, err, c.want)
	}
}

func TestImageSpawnWithinMost(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		most        []string
		asked, want string
	}{
		{nil, "*", ""},
		{nil, "docker:*", ""},
		{nil, "image:debian:*", ""},
		{nil, "debian", `"debian" names no task: want "*", "NAME:*" of a handler or "image:GLOB"`},
		{nil, "image:", `"image:" names no task`},
		{[]string{}, "image:debian:12", notAllowed},
		{[]string{"*"}, "image:debian:12", ""},
		{[]string{"image:debian:*"}, "image:debian:12", ""},
		{[]string{"image:debian:*"}, "image:debian:1*", ""},
		{[]string{"image:debian:1*"}, "image:debian:*", notAllowed},
		{[]string{"image:ghcr.io/*"}, "image:ghcr.io/a/b", notAllowed}, // a star stops at /
		{[]string{"image:*"}, "docker:*", notAllowed},
		{[]string{"docker:*"}, "image:debian:12", notAllowed},
		{[]string{"image:d?bian"}, "image:debian", notAllowed},
	} {
		s, err := guest.NewImageSpawn([]string{c.asked}, c.most)
		grants(t, s, err, c.want)
	}
	_, err := guest.NewImageSpawn([]string{"x", "image:y"}, []string{"builtin:*"})
	grants(t, guest.Spawn{}, err, "grants.spawn[0]")
	grants(t, guest.Spawn{}, err, "grants.spawn[1]")
}

func TestSpawnImage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		patterns string // by space
		names    string // by space
		want     bool
	}{
		{"*", "debian:12", true},
		{"docker:*", "debian:12", true},
		{"builtin:*", "debian:12", false},
		{"image:debian:*", "debian:12", true},
		{"image:*", "debian:12", true},
		{"image:*", "ghcr.io/a", false},
		{"image:docker.io/library/*", "debian:12 docker.io/library/debian:12", true},
		{"image:./debian:12", "debian:12", false}, // no paths
		{"image:debian:[0-9]2", "debian:12", false},
		{"", "debian:12", false},
	} {
		s, err := guest.NewImageSpawn(strings.Fields(c.patterns), nil)
		if got := s.Image("docker", strings.Fields(c.names)...); err != nil || got != c.want {
			t.Errorf("%s: %s: got %v, %v", c.patterns, c.names, got, err)
		}
	}
}

// TestSpawnHandler wants a pattern of images not to be one of a handler image.
func TestSpawnHandler(t *testing.T) {
	t.Parallel()
	images, err := guest.NewImageSpawn([]string{"image:*", "debian:*"}, nil)
	if err != nil || images.Handler("image") || !images.Handler("debian") || images.Image("docker", "debian:12x/y") || images.Handler("docker") {
		t.Errorf("got %s, %v", images, err)
	}
	modules, err := guest.NewSpawn("", []string{"image:*", "a.wasm"}, nil)
	if err != nil || !modules.Handler("image") || modules.Handler("a.wasm") || !modules.Module("wasm", "./a.wasm") || modules.Module("wasm", "x/../a.wasm") {
		t.Errorf("got %s, %v", modules, err)
	}
	if none := (guest.Spawn{}); none.Handler("") || none.Module("wasm", "") || none.Image("docker", "") || none.String() != "empty" {
		t.Error("nothing at all grants something")
	}
}
