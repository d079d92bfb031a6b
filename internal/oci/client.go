package oci

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// Defaults of Config.
const (
	DefaultMaxBytes = 64 << 20
	maxConfigBytes  = 1 << 20
)

// Config says how to reach registries. The zero value is usable.
type Config struct {
	// Keychain has the credentials; nil: what `docker login` has kept.
	Keychain authn.Keychain
	// PlainHTTP allows registries without TLS everywhere. On this machine they always
	// are.
	PlainHTTP bool
	// MaxBytes is the largest module that is pushed or pulled; 0 is 64 MiB.
	MaxBytes int64
	// Transport is the way to registries; nil: http.DefaultTransport.
	Transport http.RoundTripper
	// UserAgent is what registries are told; "" is graflow-wasm.
	UserAgent string
}

// Client pushes and pulls modules. It is safe for concurrent use.
type Client struct{ config Config }

// New makes a client.
func New(c Config) *Client {
	if c.Keychain == nil {
		c.Keychain = authn.DefaultKeychain
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = DefaultMaxBytes
	}
	if c.Transport == nil {
		c.Transport = http.DefaultTransport
	}
	if c.UserAgent == "" {
		c.UserAgent = "graflow-wasm"
	}
	return &Client{c}
}

func (c *Client) options(ctx context.Context) []remote.Option {
	return []remote.Option{
		remote.WithContext(ctx), remote.WithAuthFromKeychain(c.config.Keychain), remote.WithUserAgent(c.config.UserAgent),
		remote.WithTransport(guard{c.config.Transport, c.config.PlainHTTP}),
	}
}

// Push stores a module under a tag, which it takes away from what had it before. It
// returns the module with its digests. Errors are those of the package.
func (c *Client) Push(ctx context.Context, r Reference, m Module) (Module, error) {
	stored, err := c.push(ctx, r, m)
	if err != nil {
		return m, fmt.Errorf("push to %s: %w", r, err)
	}
	return stored, nil
}

func (c *Client) push(ctx context.Context, r Reference, m Module) (Module, error) {
	if r.digest() != "" {
		return m, errors.New("a module is pushed to a tag; its digest follows")
	}
	if int64(len(m.Code)) > c.config.MaxBytes {
		return m, fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, len(m.Code), c.config.MaxBytes)
	}
	ref, err := r.parse(c.config.PlainHTTP)
	if err != nil {
		return m, err
	}
	a, err := newArtifact(m)
	if err != nil {
		return m, err
	}
	image, err := partial.CompressedToImage(a)
	if err != nil {
		return m, err
	}
	if err := remote.Write(ref, image, c.options(ctx)...); err != nil {
		return m, fault(ctx, err)
	}
	digest, err := image.Digest()
	m.Digest, m.Manifest = a.digest.String(), digest.String()
	return m, err
}

// Pull fetches a module. Its bytes have the digest that the manifest tells, and the
// manifest the one that the reference does, if it has one. Errors are those of the
// package.
func (c *Client) Pull(ctx context.Context, r Reference) (Module, error) {
	m, err := c.pull(ctx, r)
	if err != nil {
		return Module{}, fmt.Errorf("pull %s: %w", r, err)
	}
	return m, nil
}

func (c *Client) pull(ctx context.Context, r Reference) (Module, error) {
	var m Module
	ref, err := r.parse(c.config.PlainHTTP)
	if err != nil {
		return m, err
	}
	got, err := remote.Get(ref, c.options(ctx)...)
	if err != nil {
		return m, manifestFault(ctx, r, err)
	}
	if digest, _, err := v1.SHA256(readerOf(got.Manifest)); err != nil || r.digest() != "" && digest.String() != r.digest() {
		return m, fmt.Errorf("%w: its manifest has the digest %s", ErrTampered, digest)
	}
	manifest, layer, err := layerOf(got.MediaType, got.Manifest)
	if err != nil {
		return m, err
	}
	if layer.Size > c.config.MaxBytes {
		return m, fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, layer.Size, c.config.MaxBytes)
	}
	raw, err := c.blob(ctx, ref.Context(), manifest.Config, maxConfigBytes)
	if err != nil {
		return m, fmt.Errorf("its config: %w", err)
	}
	if err := checkConfig(raw, layer.Digest); err != nil {
		return m, err
	}
	if m.Code, err = c.blob(ctx, ref.Context(), layer, c.config.MaxBytes); err != nil {
		return m, fmt.Errorf("its layer: %w", err)
	}
	m.Digest, m.Manifest = layer.Digest.String(), got.Digest.String()
	return m, m.annotated(manifest.Annotations)
}

// manifestFault is the fault of a manifest that could not be had: the client refuses
// one with another digest by itself.
func manifestFault(ctx context.Context, r Reference, err error) error {
	err = fault(ctx, err)
	if errors.Is(err, ErrUnreachable) && r.digest() != "" && isDigestFault(err) {
		return fmt.Errorf("%w: %w", ErrTampered, errors.Unwrap(err))
	}
	return err
}

// blob fetches a blob, whole and verified.
func (c *Client) blob(ctx context.Context, in name.Repository, d v1.Descriptor, most int64) (data []byte, err error) {
	if d.Size < 0 || d.Size > most {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, d.Size, most)
	}
	layer, err := remote.Layer(in.Digest(d.Digest.String()), c.options(ctx)...)
	if err != nil {
		return nil, fault(ctx, err)
	}
	r, err := layer.Compressed()
	if err != nil {
		return nil, fault(ctx, err)
	}
	defer func() { _ = r.Close() }() // all was read, or its fault was told
	data, err = io.ReadAll(io.LimitReader(r, d.Size+1))
	switch {
	case err != nil && isDigestFault(err):
		return nil, fmt.Errorf("%w: %w", ErrTampered, err)
	case err != nil:
		return nil, fault(ctx, err)
	case int64(len(data)) != d.Size:
		return nil, fmt.Errorf("%w: it has another size than its manifest tells, %d bytes", ErrTampered, d.Size)
	}
	if sum, _, err := v1.SHA256(readerOf(data)); err != nil || sum != d.Digest {
		return nil, fmt.Errorf("%w: it has another digest than its manifest tells, %s", ErrTampered, d.Digest)
	}
	return data, nil
}
