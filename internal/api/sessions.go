package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/graflow/graflow-wasm/internal/ops"
)

// SessionList lists sessions.
type SessionList struct {
	Sessions []ops.Session `json:"sessions" doc:"Those of the token, by name."`
}

// SessionSpec says what a session is to be.
type SessionSpec struct {
	Language string `json:"language" doc:"python, javascript or typescript; the last two are one."`
}

// SessionRef names a session in a path.
type SessionRef struct {
	Name string `path:"name" pattern:"^[a-zA-Z0-9_-][a-zA-Z0-9_.-]{0,63}$" patternDescription:"1 to 64 letters, digits, and _ . -, the first of them no dot" doc:"The name of a session." example:"notes"`
}

type (
	putSessionInput struct {
		SessionRef

		Body SessionSpec
	}
	runInSessionInput struct {
		SessionRef

		Anew bool `query:"anew" doc:"As if there were no session yet: what it has is given up once the code has ended."`
		Body ops.CodeRequest
	}
	sessionsOutput   struct{ Body SessionList }
	sessionOutput    struct{ Body ops.Session }
	putSessionOutput struct {
		Status int
		Body   ops.Session
	}
)

func (s *Server) addSessions() {
	missing := s.service.Sessions == nil
	add(s, operation{
		id: "list-sessions", method: http.MethodGet, path: "/v1/sessions", tag: "sessions", missing: missing,
		summary: "List the sessions of the token", about: "They belong to the name of the token; nobody else sees them. What was stored just now may be missing.", example: SessionList{[]ops.Session{exampleSession}},
	}, func(ctx context.Context, _ *struct{}) (*sessionsOutput, error) {
		all, err := s.service.Sessions.List(ctx, exchangeOf(ctx).name)
		return &sessionsOutput{SessionList{list(all)}}, err
	})
	add(s, operation{
		id: "show-session", method: http.MethodGet, path: "/v1/sessions/{name}", tag: "sessions", missing: missing,
		summary: "Show a session", about: "Not what it holds: code of the session can tell.", faults: []int{404}, example: exampleSession,
	}, func(ctx context.Context, in *SessionRef) (*sessionOutput, error) {
		one, err := s.service.Sessions.Show(ctx, exchangeOf(ctx).name, in.Name)
		return &sessionOutput{one}, err
	})
	add(s, operation{
		id: "put-session", method: http.MethodPut, path: "/v1/sessions/{name}", tag: "sessions", missing: missing, status: 201, also: 200,
		summary: "Create a session", about: "In which nothing was run; running code in it does that too. One that is there, of the same language, stays as it is: then the status is 200.",
		body:   &body{media: mediaJSON, limit: s.cfg.MaxJSON, what: "the language of the session", example: SessionSpec{"python"}},
		faults: []int{409}, example: exampleSession,
	}, s.putSession)
	add(s, operation{
		id: "run-in-session", method: http.MethodPost, path: "/v1/sessions/{name}/code", tag: "sessions", missing: missing, long: true,
		summary: "Run code in a session", about: "As code is run that nobody trusts, with what the code before has defined; the session is begun if it is not there. Code that fails by itself leaves what it did until then. Where the sandbox ends it, by a limit or because the client goes away, or the server is killed, the session is as it was. One run at a time has it: others get 409, which says `Retry-After`.",
		body:   &body{media: mediaJSON, limit: s.cfg.MaxCode, what: "the code, with its input and its files", example: exampleCode},
		faults: []int{409}, example: exampleCell,
	}, s.runInSession)
	add(s, operation{
		id: "delete-session", method: http.MethodDelete, path: "/v1/sessions/{name}", tag: "sessions", missing: missing, status: 204,
		summary: "Delete a session", about: "If it is there. It can be asked again at will.", faults: []int{409},
	}, func(ctx context.Context, in *SessionRef) (*noContent, error) {
		return nil, inUse(s.service.Sessions.Remove(ctx, exchangeOf(ctx).name, in.Name))
	})
}

func (s *Server) putSession(ctx context.Context, in *putSessionInput) (*putSessionOutput, error) {
	one, err := s.service.Sessions.Create(ctx, exchangeOf(ctx).name, in.Name, in.Body.Language)
	status := http.StatusCreated
	if one.Existed {
		status = http.StatusOK
	}
	return &putSessionOutput{status, one}, inUse(err)
}

func (s *Server) runInSession(ctx context.Context, in *runInSessionInput) (*codeOutput, error) {
	result, err := s.service.Sessions.Run(ctx, exchangeOf(ctx).name, in.Name, in.Body, in.Anew)
	return &codeOutput{result}, inUse(err)
}

// inUse has a session that is in use asked for again.
func inUse(err error) error {
	if errors.Is(err, ops.ErrInUse) {
		return again(http.StatusConflict, "1", err.Error())
	}
	return err
}
