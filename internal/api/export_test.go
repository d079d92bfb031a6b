package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// Fields are the descriptions of fields of other packages' types.
var Fields = fields

// Roles is the table of roles.
var Roles = roles

// CheckAnswer compares an answer with what the document says of it.
func (s *Server) CheckAnswer(r *http.Request, status int, media string, body []byte) error {
	if !clean(r) {
		return nil
	}
	_, pattern := s.mux.Handler(r)
	method, path, _ := strings.Cut(pattern, " ")
	if pattern == "" || !strings.HasPrefix(path, "/v1/") {
		return nil
	}
	o := find(s.api.OpenAPI(), method, path)
	answer := o.Responses[strconv.Itoa(status)]
	if answer == nil {
		return fmt.Errorf("%s may not answer with %d", o.OperationID, status)
	}
	if name, ok := strings.CutPrefix(answer.Ref, "#/components/responses/"); ok {
		answer = s.api.OpenAPI().Components.Responses[name]
	}
	content := answer.Content[media]
	switch {
	case content == nil && len(body)+len(answer.Content) == 0:
		return nil
	case content == nil:
		return fmt.Errorf("%s may not answer %d with %q", o.OperationID, status, media)
	case !strings.HasSuffix(media, "json"):
		return nil
	}
	return s.validate(content.Schema, huma.ModeReadFromServer, body)
}

// CheckExamples compares the document's examples with its schemas.
func (s *Server) CheckExamples() (checked int, err error) {
	for _, at := range s.api.OpenAPI().Paths {
		for _, o := range []*huma.Operation{at.Get, at.Post, at.Put, at.Delete} {
			if o == nil {
				continue
			}
			var all []*huma.MediaType
			for _, r := range o.Responses {
				if m := r.Content[mediaJSON]; m != nil {
					all = append(all, m)
				}
			}
			if o.RequestBody != nil && o.RequestBody.Content[mediaJSON] != nil {
				all = append(all, o.RequestBody.Content[mediaJSON])
			}
			for _, m := range all {
				if m.Example == nil {
					continue
				}
				raw, err := json.Marshal(m.Example)
				if err == nil {
					err = s.validate(m.Schema, huma.ModeReadFromServer, raw)
				}
				if err != nil {
					return checked, fmt.Errorf("the example of %s: %w", o.OperationID, err)
				}
				checked++
			}
		}
	}
	return checked, nil
}

func (s *Server) validate(schema *huma.Schema, mode huma.ValidateMode, body []byte) error {
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		return err
	}
	var result huma.ValidateResult
	huma.Validate(s.api.OpenAPI().Components.Schemas, schema, huma.NewPathBuffer(nil, 0), mode, v, &result)
	if len(result.Errors) > 0 {
		return fmt.Errorf("%v: %.500s", result.Errors, body)
	}
	return nil
}

// Timely is what NewHTTPServer puts before handlers.
var Timely = timely
