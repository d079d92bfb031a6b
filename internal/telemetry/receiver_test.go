package telemetry_test

import (
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sort"
	"strings"
	"sync"
	"testing"

	intake "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// receiver takes spans by OTLP over HTTP, as a collector does.
type receiver struct {
	*httptest.Server

	mu    sync.Mutex // guards what follows
	spans []span
	fails bool
}

// span is one that was received, and the process that sent it.
type span struct {
	*otlp.Span

	node string
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(r.take))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) take(w http.ResponseWriter, request *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	body, err := io.ReadAll(request.Body)
	var export intake.ExportTraceServiceRequest
	if err == nil {
		err = proto.Unmarshal(body, &export)
	}
	if err != nil || request.URL.Path != "/v1/traces" || r.fails {
		http.Error(w, fmt.Sprint("no spans: ", request.URL.Path, err), http.StatusBadRequest)
		return
	}
	for _, of := range export.GetResourceSpans() {
		node := ""
		for _, a := range of.GetResource().GetAttributes() {
			if a.GetKey() == "service.instance.id" {
				node = a.GetValue().GetStringValue()
			}
		}
		for _, scope := range of.GetScopeSpans() {
			for _, s := range scope.GetSpans() {
				r.spans = append(r.spans, span{s, node})
			}
		}
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
}

// all are the spans received so far.
func (r *receiver) all() []span {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]span(nil), r.spans...)
}

// named are the spans of a name.
func (r *receiver) named(name string) []span {
	var all []span
	for _, s := range r.all() {
		if s.GetName() == name {
			all = append(all, s)
		}
	}
	return all
}

// tree draws traces: a line for each span, "node: name", below its parent. Parents
// that nobody has sent are told by "?".
func (r *receiver) tree() string {
	all := r.all()
	children, known := map[string][]span{}, map[string]bool{}
	for _, s := range all {
		children[hex.EncodeToString(s.GetParentSpanId())] = append(children[hex.EncodeToString(s.GetParentSpanId())], s)
		known[hex.EncodeToString(s.GetSpanId())] = true
	}
	var text strings.Builder
	var draw func(parent, indent string)
	draw = func(parent, indent string) {
		list := children[parent]
		sort.Slice(list, func(i, j int) bool {
			a, b := list[i], list[j]
			if a.GetStartTimeUnixNano() != b.GetStartTimeUnixNano() {
				return a.GetStartTimeUnixNano() < b.GetStartTimeUnixNano()
			}
			return a.GetName() < b.GetName()
		})
		for _, s := range list {
			status := ""
			if s.GetStatus().GetCode() == otlp.Status_STATUS_CODE_ERROR {
				status = " !"
			}
			fmt.Fprintf(&text, "%s%s: %s%s\n", indent, s.node, s.GetName(), status)
			draw(hex.EncodeToString(s.GetSpanId()), indent+"  ")
		}
	}
	draw("", "")
	for parent := range children {
		if parent != "" && !known[parent] {
			text.WriteString("?\n")
			draw(parent, "  ")
		}
	}
	return text.String()
}

// traces are the ids of the traces.
func (r *receiver) traces() map[string]bool {
	all := map[string]bool{}
	for _, s := range r.all() {
		all[hex.EncodeToString(s.GetTraceId())] = true
	}
	return all
}
