package api

import (
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/control"
)

const aboutAPI = `Runs, flows, modules, workers, queues, dead letters, schedules and secrets of a
graflow-wasm cluster, and a sandbox for code that nobody trusts.

Every request but that for this document needs a token, ` + "`Authorization: Bearer TOKEN`" + `,
with the role that its operation names as ` + "`x-role`" + `: a viewer sees everything but secrets, a
submitter also begins and steers runs and runs code, an operator may do everything.

Errors are application/problem+json, and say what to do. ` + "`X-Request-Id`" + ` names a request in
the log of the server; a client may choose it. With 429 and 503, ` + "`Retry-After`" + ` says when to
ask again, in seconds.`

// tags are the parts of the document, in order.
var tags = []*huma.Tag{
	{Name: "runs", Description: "Begin, watch and steer runs."},
	{Name: "flows", Description: "Flow files that are stored under the names of their flows."},
	{Name: "modules", Description: "WebAssembly modules, by name and by digest."},
	{Name: "workers", Description: "The processes of the cluster."},
	{Name: "queues", Description: "Tasks that wait for workers."},
	{Name: "dead letters", Description: "Tasks that were given up."},
	{Name: "schedules", Description: "Runs that begin by themselves."},
	{Name: "secrets", Description: "Secrets of tasks, which can be set and not read."},
	{Name: "code", Description: "Run code that nobody trusts."},
	{Name: "sessions", Description: "What code has defined, for the code that comes next."},
	{Name: "service", Description: "The server itself."},
}

// schemaNames are names of types in the document that say more than their own.
var schemaNames = map[reflect.Type]string{
	reflect.TypeFor[control.Summary]():  "RunSummary",
	reflect.TypeFor[control.Story]():    "Run",
	reflect.TypeFor[engine.Spec]():      "Graph",
	reflect.TypeFor[engine.File]():      "FileReference",
	reflect.TypeFor[engine.RunLimits](): "GraphLimits",
	reflect.TypeFor[engine.Called]():    "CalledTask",
	reflect.TypeFor[engine.Retry]():     "RetryPolicy",
	reflect.TypeFor[engine.Policy]():    "GroupPolicy",
}

// description configures huma: JSON alone, and no pages of documentation, which would
// load scripts of other sites.
func description(version string) huma.Config {
	if version == "" {
		version = "dev"
	}
	schemas := huma.NewMapRegistry("#/components/schemas/", func(t reflect.Type, hint string) string {
		for t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		if name := schemaNames[t]; name != "" {
			return name
		}
		name := huma.DefaultSchemaNamer(t, hint)
		return strings.ToUpper(name[:min(1, len(name))]) + name[min(1, len(name)):]
	})
	schemas.RegisterTypeAlias(reflect.TypeFor[huma.ErrorModel](), reflect.TypeFor[Problem]())
	return huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{
				Title: "graflow-wasm", Version: version, Description: aboutAPI,
				License: &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"},
			},
			Tags: tags,
			Components: &huma.Components{
				Schemas: schemas,
				SecuritySchemes: map[string]*huma.SecurityScheme{
					"token":   {Type: "http", Scheme: "bearer", Description: "A token of the server."},
					"console": {Type: "apiKey", In: "cookie", Name: Cookie, Description: "The console's session: for its own pages."},
				},
			},
			Security: []map[string][]string{{"token": {}}, {"console": {}}},
		},
		Formats:                      map[string]huma.Format{mediaJSON: huma.DefaultJSONFormat, "json": huma.DefaultJSONFormat},
		DefaultFormat:                mediaJSON,
		RejectUnknownQueryParameters: true,
		Transformers:                 []huma.Transformer{retell},
	}
}

// schemaOf is the schema of bytes of a media type.
func schemaOf(media string) *huma.Schema {
	switch media {
	case mediaJSON:
		return &huma.Schema{}
	case mediaYAML, "text/event-stream":
		return &huma.Schema{Type: huma.TypeString}
	}
	return &huma.Schema{Type: huma.TypeString, Format: "binary"}
}

// document adds to the document what huma can't know of an operation.
func (s *Server) document(o *operation) {
	h := find(s.api.OpenAPI(), o.method, o.path)
	for _, status := range o.faultsOf() {
		h.Responses[strconv.Itoa(status)] = s.fault(status)
	}
	delete(h.Responses, "default")
	for code, r := range h.Responses {
		if strings.HasPrefix(code, "2") && o.example != nil {
			for _, m := range r.Content {
				m.Example = o.example
			}
		}
	}
	if o.also != 0 {
		first := h.Responses[strconv.Itoa(o.status)]
		h.Responses[strconv.Itoa(o.also)] = &huma.Response{Description: http.StatusText(o.also), Content: first.Content}
	}
	if b := o.body; b != nil {
		b.document(h)
	}
}

// fault is an answer that is a problem: one description for all operations.
func (s *Server) fault(status int) *huma.Response {
	components := s.api.OpenAPI().Components
	name := strings.ReplaceAll(http.StatusText(status), " ", "")
	if components.Responses == nil {
		components.Responses = map[string]*huma.Response{}
	}
	if components.Responses[name] == nil {
		components.Responses[name] = &huma.Response{
			Description: faultText[status],
			Headers:     map[string]*huma.Param{requestID: {Description: "Names the request in the log of the server.", Schema: &huma.Schema{Type: huma.TypeString}}},
			Content: map[string]*huma.MediaType{problemType: {
				Schema:  components.Schemas.Schema(reflect.TypeFor[Problem](), true, "Problem"),
				Example: &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: faultText[status], RequestID: "5f3a9c0d2b7e4816"},
			}},
		}
	}
	return &huma.Response{Ref: "#/components/responses/" + name}
}

// faultText says what the statuses of problems mean.
var faultText = map[int]string{
	http.StatusBadRequest:            "The body is missing, did not come whole, or is not JSON.",
	http.StatusUnauthorized:          "There is no token, or it is none of this server's.",
	http.StatusForbidden:             "The token's role is not for that.",
	http.StatusNotFound:              "There is none of that name.",
	http.StatusRequestTimeout:        "The body came too slowly.",
	http.StatusConflict:              "As things stand it can't be done; the detail says why.",
	http.StatusRequestEntityTooLarge: "The body is too large; the detail says how large it may be.",
	http.StatusUnsupportedMediaType:  "The body is of another media type than the operation reads.",
	http.StatusUnprocessableEntity:   "What was sent is not valid; errors tells each thing that is wrong.",
	http.StatusTooManyRequests:       "It is too much at once; Retry-After says when to ask again.",
	http.StatusInternalServerError:   "A fault of the server, whose log tells more of it.",
	http.StatusNotImplemented:        "The server has none of these: the service tells its parts.",
	http.StatusServiceUnavailable:    "What is needed does not answer now; Retry-After says when to ask again.",
	http.StatusGatewayTimeout:        "It took too long, and may have been done all the same.",
}

func (b *body) document(h *huma.Operation) {
	if h.RequestBody == nil {
		h.RequestBody = &huma.RequestBody{Required: !b.optional, Content: map[string]*huma.MediaType{b.media: {Schema: schemaOf(b.media)}}}
	}
	h.RequestBody.Description = strings.ToUpper(b.what[:1]) + b.what[1:] + "; at most " + size(b.limit) + " unless the server says otherwise."
	for _, m := range h.RequestBody.Content {
		m.Example = b.example
	}
}

func find(api *huma.OpenAPI, method, path string) *huma.Operation {
	at := api.Paths[path]
	return map[string]*huma.Operation{http.MethodGet: at.Get, http.MethodPost: at.Post, http.MethodPut: at.Put, http.MethodDelete: at.Delete}[method]
}

// finish makes the schemas say what holds: what is answered may have more than they
// tell, and lists are never null.
func finish(api *huma.OpenAPI) *huma.OpenAPI {
	all := api.Components.Schemas.Map()
	sent := map[string]bool{} // by clients: there more is a mistake
	for _, at := range api.Paths {
		for _, o := range []*huma.Operation{at.Get, at.Post, at.Put, at.Delete} {
			if o == nil || o.RequestBody == nil {
				continue
			}
			for _, m := range o.RequestBody.Content {
				reach(all, m.Schema, sent)
			}
		}
	}
	for name, schema := range all {
		if !sent[name] && schema.AdditionalProperties == false {
			schema.AdditionalProperties = nil
		}
		for field, p := range schema.Properties {
			if p.Type == huma.TypeArray {
				p.Nullable = false
			}
			if about := fields[name+"."+field]; about != "" && p.Description == "" {
				p.Description = about
			}
		}
	}
	return api
}

// reach notes all schemas that one leads to.
func reach(all map[string]*huma.Schema, s *huma.Schema, seen map[string]bool) {
	if s == nil {
		return
	}
	if name, ok := strings.CutPrefix(s.Ref, "#/components/schemas/"); ok && !seen[name] {
		seen[name] = true
		reach(all, all[name], seen)
	}
	reach(all, s.Items, seen)
	for _, p := range s.Properties {
		reach(all, p, seen)
	}
	if more, ok := s.AdditionalProperties.(*huma.Schema); ok {
		reach(all, more, seen)
	}
}
