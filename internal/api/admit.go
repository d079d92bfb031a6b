package api

import (
	"crypto/sha256"
	"errors"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// admit lets those requests pass that have a token with the role that the operation
// needs, and not too many of them.
func (s *Server) admit(ctx huma.Context, next func(huma.Context)) {
	r, w := humago.Unwrap(ctx)
	x := exchangeOf(r.Context())
	x.operation = ctx.Operation().OperationID
	refusal := s.identify(r, x)
	if refusal == nil {
		refusal = s.permit(x)
	}
	if refusal == nil {
		refusal = s.rates.take(x.name)
	}
	if refusal == nil {
		next(ctx)
		return
	}
	if refusal.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="graflow-wasm"`)
	}
	refusal.write(w, r)
}

// identify finds out whose request it is.
func (s *Server) identify(r *http.Request, x *exchange) *Problem {
	token, err := s.tokenOf(r)
	if err != nil {
		return problem(http.StatusForbidden, err.Error())
	}
	var ok bool
	if x.role, x.name, ok = s.cfg.Tokens.Authenticate(token); ok {
		x.digest = sha256.Sum256([]byte(token))
		return nil
	}
	if p := s.refused.take(r.RemoteAddr); p != nil {
		return p
	}
	if token == "" {
		return problem(http.StatusUnauthorized, "give a token of this server: Authorization: Bearer TOKEN")
	}
	return problem(http.StatusUnauthorized, "the token is none of this server's; its directory tokens/ has those that it drew")
}

// tokenOf is the token of a request: in a header, or in the cookie of the console,
// which pages of other origins can't use.
func (s *Server) tokenOf(r *http.Request) (string, error) {
	if given := r.Header.Get("Authorization"); given != "" {
		scheme, token, _ := strings.Cut(given, " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return "", nil
		}
		return strings.TrimSpace(token), nil
	}
	cookie, err := r.Cookie(s.cfg.Tokens.Cookie())
	if err != nil {
		return "", nil //nolint:nilerr // there is none
	}
	foreign := r.Header.Get("Sec-Fetch-Site")
	if s.origins.Check(r) != nil || foreign != "" && foreign != "same-origin" && foreign != "none" {
		return "", errors.New("pages of other origins may not use the console's cookie; send a token as Authorization: Bearer TOKEN")
	}
	return cookie.Value, nil
}

// permit compares the caller's role with what the operation needs.
func (s *Server) permit(x *exchange) *Problem {
	if needs := roles[x.operation]; !needs.Valid() || !x.role.May(needs) {
		return problem(http.StatusForbidden, "the token "+x.name+" is of a "+string(x.role)+": it takes one of a "+string(needs))
	}
	return nil
}
