package sdk

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
)

// logHandler writes records to the host's log, which has times and levels of
// its own.
type logHandler struct {
	text slog.Handler // formats the attributes into buf
	buf  *lineBuffer
	host host
}

// lineBuffer is shared by a handler and those derived from it.
type lineBuffer struct {
	mu sync.Mutex // guards Buffer while a record is formatted
	bytes.Buffer
}

var _ slog.Handler = logHandler{}

func newLogHandler(h host) logHandler {
	buf := new(lineBuffer)
	options := &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: dropBuiltins}
	return logHandler{text: slog.NewTextHandler(buf, options), buf: buf, host: h}
}

func (h logHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.text.Enabled(ctx, level)
}

func (h logHandler) Handle(ctx context.Context, r slog.Record) error {
	h.buf.mu.Lock()
	defer h.buf.mu.Unlock()
	h.buf.Reset()
	message := r.Message
	r.Message = ""
	if err := h.text.Handle(ctx, r); err != nil {
		return err
	}
	h.host.log(int32(r.Level), strings.TrimSpace(message+" "+h.buf.String()))
	return nil
}

func (h logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	h.text = h.text.WithAttrs(attrs)
	return h
}

func (h logHandler) WithGroup(name string) slog.Handler {
	h.text = h.text.WithGroup(name)
	return h
}

// dropBuiltins leaves out what the host's log knows anyway. A user's own
// top-level attribute of such a name stays unless it looks the same.
func dropBuiltins(groups []string, a slog.Attr) slog.Attr {
	if len(groups) > 0 {
		return a
	}
	switch {
	case a.Key == slog.TimeKey && a.Value.Kind() == slog.KindTime,
		a.Key == slog.MessageKey && a.Value.String() == "":
		return slog.Attr{}
	case a.Key == slog.LevelKey:
		if _, builtin := a.Value.Any().(slog.Level); builtin {
			return slog.Attr{}
		}
	}
	return a
}
