package client_test

import "github.com/graflow/graflow-wasm/internal/ops"

// sessions asks for sessions of one owner.
func (t *transcript) sessions() {
	const owner = "operator"
	s := t.s.Sessions
	for _, language := range []string{"javascript", "typescript", "python", "cobol"} {
		one, err := s.Create(t.ctx, owner, t.mark, language)
		t.note("create in "+language, one, err)
	}
	for _, r := range []ops.CodeRequest{
		{Language: "javascript", Source: "var x = 1; x"},
		{Language: "javascript", Source: "x += 1; throw new Error('no')"},
		{Language: "typescript", Source: "x"},
		{Language: "python", Source: "1"},
		{Language: "cobol"},
	} {
		got, err := s.Run(t.ctx, owner, t.mark, r, false)
		t.note(r.Language+" "+r.Source, withoutSize(got), err)
	}
	got, err := s.Run(t.ctx, owner, t.mark, ops.CodeRequest{Language: "javascript", Source: "typeof x"}, true)
	t.note("anew", withoutSize(got), err)
	one, err := s.Show(t.ctx, owner, t.mark)
	t.note("show", one.Language, err)
	all, err := s.List(t.ctx, owner)
	t.note("list", len(all), err)
	t.note("remove", nil, s.Remove(t.ctx, owner, t.mark))
	t.note("remove again", nil, s.Remove(t.ctx, owner, t.mark))
	_, err = s.Show(t.ctx, owner, t.mark)
	t.note("show what is gone", nil, err)
}

// withoutSize is a result without the size of its session, which depends on what the
// interpreter has had in mind.
func withoutSize(r ops.CodeResult) ops.CodeResult {
	if r.Session != nil {
		r.Session.Size = min(r.Session.Size, 1)
	}
	return r
}
