package telemetry

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"

	"go.opentelemetry.io/otel/trace"
)

// traceparentLength is that of a W3C traceparent of version 00.
const traceparentLength = len("00-0123456789abcdef0123456789abcdef-0123456789abcdef-01")

// traceparent writes a span's context as the W3C's Trace Context has it.
func traceparent(c trace.SpanContext) string {
	b := make([]byte, 0, traceparentLength)
	id, span := c.TraceID(), c.SpanID()
	b = append(b, "00-"...)
	b = hex.AppendEncode(b, id[:])
	b = append(b, '-')
	b = hex.AppendEncode(b, span[:])
	if c.IsSampled() {
		return string(append(b, "-01"...))
	}
	return string(append(b, "-00"...))
}

// parseTraceparent reads one; of later versions what version 00 has. What is no
// traceparent is a context that is not valid. Flags that are not known are ignored, as
// the W3C wants it.
func parseTraceparent(text string) (c trace.SpanContext) {
	if len(text) < traceparentLength || text[2] != '-' || text[35] != '-' || text[52] != '-' || text[:2] == "ff" ||
		len(text) > traceparentLength && (text[:2] == "00" || text[traceparentLength] != '-') {
		return c
	}
	id, err := trace.TraceIDFromHex(text[3:35])
	span, spanErr := trace.SpanIDFromHex(text[36:52])
	flags, flagsErr := hex.DecodeString(text[53:55])
	_, versionErr := hex.DecodeString(text[:2])
	if err != nil || spanErr != nil || flagsErr != nil || versionErr != nil {
		return c
	}
	return trace.NewSpanContext(trace.SpanContextConfig{TraceID: id, SpanID: span, TraceFlags: trace.TraceFlags(flags[0]) & trace.FlagsSampled, Remote: true})
}

// traceHeader is what a guest's request carries.
func traceHeader(ctx context.Context) map[string]string {
	c := trace.SpanContextFromContext(ctx)
	if !c.IsValid() {
		return nil
	}
	return map[string]string{"Traceparent": traceparent(c)}
}

func random8() (b [8]byte) {
	for b == [8]byte{} {
		binary.BigEndian.PutUint64(b[:], rand.Uint64())
	}
	return b
}

func random16() (b [16]byte) {
	a, c := random8(), random8()
	copy(b[:8], a[:])
	copy(b[8:], c[:])
	return b
}
