package telemetry

import (
	"strings"
	"testing"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// FuzzTraceparent compares what is read with what OpenTelemetry reads.
func FuzzTraceparent(f *testing.F) {
	const good = "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01"
	for _, seed := range []string{
		good, "", good[:54], good + "-", good + "-more", "01" + good[2:] + "-more", "ff" + good[2:], "0x" + good[2:],
		"00-00000000000000000000000000000000-0123456789abcdef-01", "00-0123456789abcdef0123456789abcdef-0000000000000000-01",
		"00-0123456789ABCDEF0123456789abcdef-0123456789abcdef-01", good[:53] + "00", good[:53] + "ff", good[:53] + "0g",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := parseTraceparent(text)
		want := trace.SpanContextFromContext(propagation.TraceContext{}.Extract(t.Context(), propagation.MapCarrier{"traceparent": text}))
		// OpenTelemetry refuses flags that it does not know, keeps those that it does, and takes a version 00 that is
		// too long; in all else it reads the same.
		if len(text) == traceparentLength && text[53] == '0' && text[54] < '4' && text == strings.ToLower(text) &&
			(got.TraceID() != want.TraceID() || got.SpanID() != want.SpanID() || got.IsSampled() != want.IsSampled()) {
			t.Fatalf("%q: got %v, OpenTelemetry reads %v", text, got, want)
		}
		if got.IsValid() && (got.TraceID().String() != strings.ToLower(text[3:35]) || got.SpanID().String() != strings.ToLower(text[36:52])) {
			t.Fatalf("%q: got %v", text, got)
		}
		if got.IsValid() && text[:2] == "00" && !parseTraceparent(traceparent(got)).Equal(got) {
			t.Fatalf("%q is written as %q", text, traceparent(got))
		}
	})
}
