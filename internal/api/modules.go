package api

import (
	"context"
	"encoding/hex"
	"net/http"

	"github.com/graflow/graflow-wasm/internal/ops"
)

// ModuleList lists modules.
type ModuleList struct {
	Modules []ops.Module `json:"modules" doc:"By name."`
}

type (
	modulesInput struct {
		Local bool `query:"local" doc:"Also those that came with runs, and have no names."`
	}
	ofModule struct {
		Ref string `path:"ref" maxLength:"600" doc:"NAME, NAME@VERSION or sha256:…" example:"text@v2"`
	}
	pushInput struct {
		Name      string `query:"name" maxLength:"200" doc:"Under which it is stored." example:"text"`
		Version   string `query:"version" maxLength:"200" doc:"Its version; without one the beginning of its digest." example:"v2"`
		Local     bool   `query:"local" doc:"It goes with a run, and has no name."`
		Signer    string `query:"signer" pattern:"^([0-9a-fA-F]{64})?$" patternDescription:"64 hexadecimal digits" doc:"The Ed25519 public key that signed it, in hexadecimal digits."`
		Signature string `query:"signature" pattern:"^([0-9a-fA-F]{128})?$" patternDescription:"128 hexadecimal digits" doc:"The signature by that key, in hexadecimal digits."`
		Code      payload
	}
	modulesOutput struct{ Body ModuleList }
	moduleOutput  struct{ Body ops.Module }
)

func (s *Server) addModules() {
	missing := s.service.Modules == nil
	add(s, operation{
		id: "list-modules", method: http.MethodGet, path: "/v1/modules", tag: "modules", missing: missing,
		summary: "List modules", about: "Of each what it is; showing one tells all of it.", example: ModuleList{[]ops.Module{exampleModule}},
	}, func(ctx context.Context, in *modulesInput) (*modulesOutput, error) {
		all, err := s.service.Modules.List(ctx, in.Local)
		for i := range all {
			all[i] = listed(all[i])
		}
		return &modulesOutput{ModuleList{list(all)}}, err
	})
	add(s, operation{
		id: "push-module", method: http.MethodPost, path: "/v1/modules", tag: "modules", missing: missing, status: 201, long: true,
		summary: "Push a module", about: "The sandbox admits it first. A module with a name takes an operator; one that is `local`, for a run that is about to begin, a submitter.",
		body:   &body{media: mediaWasm, limit: s.cfg.MaxModule, what: "the module"},
		faults: []int{409}, example: exampleModule,
	}, s.pushModule)
	add(s, operation{
		id: "show-module", method: http.MethodGet, path: "/v1/modules/{ref}", tag: "modules", missing: missing,
		summary: "Show a module", about: "With what the sandbox tells of it.", faults: []int{404}, example: exampleModule,
	}, func(ctx context.Context, in *ofModule) (*moduleOutput, error) {
		m, err := s.service.Modules.Show(ctx, in.Ref)
		return &moduleOutput{listed(m)}, err
	})
	add(s, operation{
		id: "read-module", method: http.MethodGet, path: "/v1/modules/{ref}/content", tag: "modules", missing: missing, media: mediaWasm, long: true,
		summary: "Read the bytes of a module", about: "Compare the digest: a connection that breaks ends the module early.", faults: []int{404},
	}, s.readModule)
	add(s, operation{
		id: "delete-module", method: http.MethodDelete, path: "/v1/modules/{ref}", tag: "modules", missing: missing, status: 204,
		summary: "Delete a module", about: "Runs that need it fail, or can't go on.", faults: []int{404, 409},
	}, func(ctx context.Context, in *ofModule) (*noContent, error) {
		return nil, s.service.Modules.Remove(ctx, in.Ref)
	})
}

func (s *Server) pushModule(ctx context.Context, in *pushInput) (*moduleOutput, error) {
	x := exchangeOf(ctx)
	switch {
	case !in.Local && !x.role.May(ops.RoleOperator):
		return nil, problem(http.StatusForbidden, "the token "+x.name+" is of a "+string(x.role)+": a module with a name takes one of an operator; one for a run is pushed with local=true")
	case in.Local == (in.Name != ""):
		return nil, problem(http.StatusUnprocessableEntity, "give a name, or local=true for a module that goes with a run")
	case (in.Signer == "") != (in.Signature == ""):
		return nil, problem(http.StatusUnprocessableEntity, "signer and signature come together")
	}
	push := ops.ModulePush{Name: in.Name, Version: in.Version, By: x.name, Local: in.Local}
	if in.Signer != "" {
		push.Signer, _ = hex.DecodeString(in.Signer) // their patterns are checked
		push.Signature, _ = hex.DecodeString(in.Signature)
	}
	m, err := s.service.Modules.Push(ctx, push, in.Code.bytes)
	return &moduleOutput{listed(m)}, err
}

func (s *Server) readModule(ctx context.Context, in *ofModule) (*streamed, error) {
	code, err := s.service.Modules.Open(ctx, in.Ref)
	if err != nil {
		return nil, err
	}
	return download(mediaWasm, code), nil //nolint:contextcheck // it is copied in the context of its request
}

// listed is a module without null where lists are to be.
func listed(m ops.Module) ops.Module {
	m.Tasks, m.Capabilities = list(m.Tasks), list(m.Capabilities)
	return m
}
