package api

import (
	"context"
	"net/http"

	"github.com/graflow/graflow-wasm/internal/ops"
)

// SecretList lists secrets by name.
type SecretList struct {
	Secrets []ops.Secret `json:"secrets" doc:"Their names; values are told to nobody."`
}

// SecretSet tells of a secret that was set.
type SecretSet struct {
	Name     string `json:"name" doc:"Of the secret."`
	Replaced bool   `json:"replaced" doc:"There was one of the name."`
}

// SecretRef names a secret in a path.
type SecretRef struct {
	Name string `path:"name" maxLength:"200" doc:"The name of a secret." example:"api_key"`
}

type (
	putSecretInput struct {
		SecretRef

		Value payload
	}
	secretsOutput   struct{ Body SecretList }
	secretSetOutput struct{ Body SecretSet }
)

func (s *Server) addSecrets() {
	missing := s.service.Secrets == nil
	add(s, operation{
		id: "list-secrets", method: http.MethodGet, path: "/v1/secrets", tag: "secrets", missing: missing,
		summary: "List the names of secrets", about: "Of the server's own store; workers elsewhere have theirs.", example: SecretList{[]ops.Secret{{Name: "api_key", Changed: exampleTime}}},
	}, func(ctx context.Context, _ *struct{}) (*secretsOutput, error) {
		all, err := s.service.Secrets.List(ctx)
		return &secretsOutput{SecretList{list(all)}}, err
	})
	add(s, operation{
		id: "put-secret", method: http.MethodPut, path: "/v1/secrets/{name}", tag: "secrets", missing: missing,
		summary: "Set a secret", about: "The body is the value, byte for byte. It can't be read again.",
		body:    &body{media: mediaBytes, limit: s.cfg.MaxSecret, what: "the value of the secret"},
		example: SecretSet{Name: "api_key"},
	}, func(ctx context.Context, in *putSecretInput) (*secretSetOutput, error) {
		replaced, err := s.service.Secrets.Set(ctx, in.Name, in.Value.bytes)
		return &secretSetOutput{SecretSet{in.Name, replaced}}, err
	})
	add(s, operation{
		id: "delete-secret", method: http.MethodDelete, path: "/v1/secrets/{name}", tag: "secrets", missing: missing, status: 204,
		summary: "Delete a secret", about: "Tasks that may read it fail from then on.", faults: []int{404},
	}, func(ctx context.Context, in *SecretRef) (*noContent, error) {
		return nil, s.service.Secrets.Remove(ctx, in.Name)
	})
}
