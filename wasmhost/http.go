package wasmhost

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"

	"github.com/graflow/graflow-wasm/sdk/abi"
	"github.com/graflow/graflow-wasm/wasmhost/internal/egress"
)

func (a *attempt) httpRequest(ctx context.Context, g guest) int64 {
	data, ok := g.json(0)
	var request abi.HTTPRequest
	if !ok || json.Unmarshal(data, &request) != nil {
		return int64(abi.Invalid)
	}
	a.module.host.addHeaders(ctx, a.followed, &request)
	response, err := a.fetch(ctx, request)
	if err != nil {
		return a.webCode(ctx, err)
	}
	return a.answerJSON(response)
}

// fetch sends a request within the rules and what is left of the limits.
func (a *attempt) fetch(ctx context.Context, request abi.HTTPRequest) (abi.HTTPResponse, error) {
	if elsewhere := a.opt.Services.fetch; elsewhere != nil {
		return elsewhere(ctx, request)
	}
	if a.web == nil {
		a.web = &egress.Budget{Requests: int(a.opt.Limits.HTTPRequests), Bytes: a.opt.Limits.HTTPBytes}
	}
	return a.module.host.web.Do(ctx, a.rules, request, a.web)
}

// webCode is what a guest learns of a request that failed. A server that can't
// be reached is the guest's to deal with; the end of its time is not.
func (a *attempt) webCode(ctx context.Context, err error) int64 {
	var denied *egress.DeniedError
	var code abi.Code
	switch {
	case ctx.Err() != nil:
		a.stopped = a.interrupted(ctx)
		panic(errStopped)
	case errors.As(err, &denied):
		return a.refuse(CapabilityHTTP + ": " + denied.Error())
	case errors.As(err, &code) && code < 0:
		return int64(code)
	}
	a.lines.Add(slog.LevelWarn, []byte("http_request: "+err.Error()))
	return int64(abi.Unreachable)
}
