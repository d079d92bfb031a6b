package client

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/graflow/graflow-wasm/internal/ops"
)

// modules are those of the server's registry.
type modules struct{ c *Client }

var _ ops.Modules = modules{}

// List implements ops.Modules.
func (m modules) List(ctx context.Context, local bool) ([]ops.Module, error) {
	type all struct {
		Modules []ops.Module `json:"modules"`
	}
	a := ask{method: http.MethodGet, path: "modules"}
	if local {
		a.query = url.Values{"local": {"true"}}
	}
	got, err := do[all](ctx, m.c, a)
	return got.Modules, err
}

// Show implements ops.Modules.
func (m modules) Show(ctx context.Context, ref string) (ops.Module, error) {
	return read[ops.Module](ctx, m.c, "modules", ref)
}

// Push implements ops.Modules. The server knows by whom. It is an error if the server
// has stored other bytes.
func (m modules) Push(ctx context.Context, p ops.ModulePush, code []byte) (ops.Module, error) {
	query := url.Values{}
	for name, value := range map[string]string{
		"name": p.Name, "version": p.Version, "signer": hex.EncodeToString(p.Signer), "signature": hex.EncodeToString(p.Signature),
	} {
		if value != "" {
			query.Set(name, value)
		}
	}
	if p.Local {
		query.Set("local", "true")
	}
	if code == nil {
		code = []byte{} // which is sent, and refused
	}
	got, err := do[ops.Module](ctx, m.c, ask{method: http.MethodPost, path: "modules", query: query, body: code, kind: "application/wasm", slow: true})
	if err != nil {
		return got, err
	}
	sum := sha256.Sum256(code)
	if want := "sha256:" + hex.EncodeToString(sum[:]); got.Digest != want {
		return got, fmt.Errorf("push module: %w: the server has %s, want %s", ErrTampered, got.Digest, want)
	}
	return got, nil
}

// Open implements ops.Modules. Reading it ends with an error where what came is not what
// has the module's digest.
func (m modules) Open(ctx context.Context, ref string) (io.ReadCloser, error) {
	digest := ref
	if !strings.HasPrefix(ref, "sha256:") {
		found, err := m.Show(ctx, ref)
		if err != nil {
			return nil, err
		}
		digest = found.Digest // whatever the name means by then
	}
	return m.c.open(ctx, digest, "modules", digest, "content")
}

// Remove implements ops.Modules.
func (m modules) Remove(ctx context.Context, ref string) error {
	return m.c.tell(ctx, http.MethodDelete, nil, "modules", ref)
}
