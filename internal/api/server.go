package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/graflow/graflow-wasm/internal/ops"
)

// Server serves an [ops.Service] over HTTP. It is safe for concurrent use.
type Server struct {
	cfg     Config
	service ops.Service
	mux     *http.ServeMux
	api     huma.API
	openapi []byte           // what is served
	bodies  map[string]*body // of operations that have one, by id
	origins *http.CrossOriginProtection
	rates   *rates // by the name of a token
	refused *rates // by address
	logins  *rates // the same
	uploads places
	streams *streams
	handler http.HandlerFunc

	closing chan struct{} // closed by Close
	close   sync.Once
}

// New makes a Server.
func New(c Config) (*Server, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Server{
		cfg: c, service: c.Service, mux: http.NewServeMux(), bodies: map[string]*body{},
		origins: http.NewCrossOriginProtection(), uploads: make(places, c.Uploads),
		streams: newStreams(c.Streams), closing: make(chan struct{}),
		rates:   newRates(c.Rate, c.Burst, "the token has made too many requests; ask again later", func(name string) string { return name }),
		refused: newRates(c.RefusedRate, c.RefusedBurst, "too many requests without a good token came from this address; ask again later", network),
		logins:  newRates(c.LoginRate, c.LoginBurst, "", network),
	}
	s.api = humago.New(s.mux, description(c.Service.Version))
	s.api.UseMiddleware(s.admit, s.read)
	s.addAll()
	if s.openapi, err = json.Marshal(finish(s.api.OpenAPI())); err != nil {
		return nil, fmt.Errorf("api: encode the OpenAPI document: %w", err)
	}
	s.mux.HandleFunc("GET /openapi.json", s.describe)
	s.handler = s.framed(s.route)
	return s, nil
}

func (s *Server) addAll() {
	s.addService()
	s.addRuns()
	s.addSteering()
	s.addStream()
	s.addCheckpoints()
	s.addFlows()
	s.addModules()
	s.addCluster()
	s.addDeadLetters()
	s.addSchedules()
	s.addSecrets()
	s.addCode()
	s.addSessions()
}

// Handler is to be mounted at /v1/ and /openapi.json. What it does not know is a
// problem too.
func (s *Server) Handler() http.Handler { return s.handler }

// OpenAPI is the document that describes the API, as JSON.
func (s *Server) OpenAPI() []byte { return s.openapi }

// TryLogin counts a try to log in to the console from an address. It tells how long to
// wait if there were too many, else 0: then the token is not to be looked at.
func (s *Server) TryLogin(remote string) time.Duration { return s.logins.wait(remote) }

// Close ends all streams, for which a listener that shuts down would wait. It may be
// called again.
func (s *Server) Close() { s.close.Do(func() { close(s.closing) }) }

func (s *Server) describe(w http.ResponseWriter, r *http.Request) {
	exchangeOf(r.Context()).operation = "openapi"
	w.Header().Set("Content-Type", "application/openapi+json")
	_, _ = w.Write(s.openapi) // the client may be gone
}
