package api

import (
	"github.com/danielgtaylor/huma/v2"
)

// retell has what huma says of wrong requests told as a Problem. Of values that were
// sent nothing is repeated: they may be secrets.
func retell(ctx huma.Context, _ string, v any) (any, error) {
	said, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	p := problem(said.Status, said.Detail)
	p.RequestID = exchangeOf(ctx.Context()).id
	for _, e := range said.Errors {
		p.Errors = append(p.Errors, ProblemPart{Message: e.Message, Location: e.Location})
	}
	if len(p.Errors) > 0 {
		p.Detail = "the request is not valid; /openapi.json tells what is"
	}
	return p, nil
}
