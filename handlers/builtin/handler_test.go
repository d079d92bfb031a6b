package builtin_test

import (
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/builtin"
	"github.com/graflow/graflow-wasm/internal/guesttest"
)

func TestMain(m *testing.M) { guesttest.Main(m) }

// newHandler draws the same values in every run.
func newHandler(tb testing.TB) *builtin.Handler {
	tb.Helper()
	h, err := builtin.New(builtin.Config{
		Now:    func() time.Time { return time.Date(2026, 1, 2, 4, 4, 5, 678_000_000, time.FixedZone("CET", 3600)) },
		Random: rand.NewPCG(1, 2),
	})
	if err != nil {
		tb.Fatal(err)
	}
	return h
}

func call(name, input string) *engine.Call {
	spec, _ := json.Marshal(map[string]string{"name": name})
	return &engine.Call{Task: &engine.Task{ID: "t", Handler: "builtin", Spec: spec}, Input: json.RawMessage(input)}
}

func value(t *testing.T, h *builtin.Handler, name, input string) string {
	t.Helper()
	r, err := h.Handle(t.Context(), call(name, input))
	if err != nil {
		t.Fatalf("%s %s: %v", name, input, err)
	}
	return string(r.Value)
}

func TestNow(t *testing.T) {
	t.Parallel()
	h := newHandler(t)
	for _, input := range []string{"", "null", "{}", "[1]", `{"x":1}`} {
		if got, want := value(t, h, "now", input), `"2026-01-02T03:04:05.678Z"`; got != want {
			t.Errorf("input %q: got %s, want %s", input, got, want)
		}
	}
}

func TestUUID(t *testing.T) {
	t.Parallel()
	secure, err := builtin.New(builtin.Config{})
	if err != nil {
		t.Fatal(err)
	}
	form := regexp.MustCompile(`^"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"$`)
	seen := map[string]bool{}
	for _, h := range []*builtin.Handler{secure, newHandler(t)} {
		for range 100 {
			id := value(t, h, "uuid", `7`)
			if !form.MatchString(id) {
				t.Errorf("got %s, want a version 4 UUID", id)
			}
			seen[id] = true
		}
	}
	if got, want := len(seen), 200; got != want {
		t.Errorf("got %d distinct UUIDs, want %d", got, want)
	}
}

func TestChoice(t *testing.T) {
	t.Parallel()
	h := newHandler(t)
	counts := map[string]int{}
	const draws = 6000
	for range draws {
		counts[value(t, h, "choice", `{"items":["a",{"b":1},null]}`)]++
	}
	for _, item := range []string{`"a"`, `{"b":1}`, `null`} {
		if got, want := counts[item], draws/3; math.Abs(float64(got-want)) > 200 {
			t.Errorf("item %s: drawn %d times of %d, want about %d", item, got, draws, want)
		}
	}
	if len(counts) != 3 {
		t.Errorf("got %v, want the three items", counts)
	}
}

func TestIntegers(t *testing.T) {
	t.Parallel()
	h := newHandler(t)
	for _, test := range []struct {
		name, input string
		want        []int64 // all that may come, each to be seen
	}{
		{"randint", `{"min":1,"max":3}`, []int64{1, 2, 3}},
		{"randint", `{"min":-1,"max":-1}`, []int64{-1}},
		{"randint", `{"min":9223372036854775806,"max":9223372036854775807}`, []int64{math.MaxInt64 - 1, math.MaxInt64}},
		{"randrange", `{"stop":3}`, []int64{0, 1, 2}},
		{"randrange", `{"start":2,"stop":9,"step":3}`, []int64{2, 5, 8}},
		{"randrange", `{"start":2,"stop":8,"step":3}`, []int64{2, 5}},
		{"randrange", `{"start":5,"stop":0,"step":-2}`, []int64{5, 3, 1}},
		{"randrange", `{"start":0,"stop":-1,"step":-9223372036854775808}`, []int64{0}},
		{"randrange", `{"start":-9223372036854775808,"stop":9223372036854775807,"step":9223372036854775807}`, []int64{math.MinInt64, -1, math.MaxInt64 - 1}},
	} {
		seen := map[int64]bool{}
		for range 200 {
			n, err := strconv.ParseInt(value(t, h, test.name, test.input), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			seen[n] = true
		}
		for _, n := range test.want {
			if !seen[n] {
				t.Errorf("%s %s: never got %d", test.name, test.input, n)
			}
		}
		if got, want := len(seen), len(test.want); got != want {
			t.Errorf("%s %s: got %v, want %v", test.name, test.input, seen, test.want)
		}
	}
	whole := value(t, h, "randint", `{"min":-9223372036854775808,"max":9223372036854775807}`)
	if _, err := strconv.ParseInt(whole, 10, 64); err != nil {
		t.Errorf("whole range: %v", err)
	}
}

func TestInvalidInput(t *testing.T) {
	t.Parallel()
	h := newHandler(t)
	for _, test := range []struct{ name, input, want string }{
		{"sleep", ``, `parameter "duration" is missing`},
		{"sleep", `[1]`, `input is a list, want an object with "duration"`},
		{"sleep", `null`, `input is null`},
		{"sleep", `{"duration":"5"}`, `parameter "duration" is "5", want a number with a unit`},
		{"sleep", `{"duration":-1}`, `parameter "duration" is -1, want 0 or more`},
		{"sleep", `{"duration":"-1s"}`, `want 0 or more`},
		{"sleep", `{"duration":1e300}`, `parameter "duration" is 1e300`},
		{"sleep", `{"duration":null}`, `parameter "duration" is null`},
		{"sleep", `{"duration":1,"unit":"s"}`, `unknown parameter "unit": there are "duration"`},
		{"choice", `{"items":[]}`, `"items" is empty`},
		{"choice", `{"items":"abc"}`, `parameter "items" is "abc", want a list`},
		{"choice", `{"items":null}`, `parameter "items" is null, want a list`},
		{"randint", `{"min":1}`, `parameter "max" is missing`},
		{"randint", `{"min":2,"max":1}`, `"min" 2 is greater than "max" 1`},
		{"randint", `{"min":1.5,"max":2}`, `parameter "min" is 1.5, want a 64-bit integer`},
		{"randint", `{"min":null,"max":2}`, `parameter "min" is null`},
		{"randint", `{"min":1,"max":9223372036854775808}`, `parameter "max" is 9223372036854775808`},
		{"randrange", `{}`, `parameter "stop" is missing: there are "start" (optional), "stop", "step" (optional)`},
		{"randrange", `{"stop":0}`, `the range from 0 to 0 by 1 is empty`},
		{"randrange", `{"stop":3,"step":0}`, `"step" is 0`},
		{"wait", `{}`, `no builtin "wait": there are "choice", "now", "pause", "randint", "randrange", "sleep", "uuid"`},
	} {
		_, err := h.Handle(t.Context(), call(test.name, test.input))
		var te *engine.TaskError
		if !errors.As(err, &te) {
			t.Errorf("%s %s: got %v, want a *engine.TaskError", test.name, test.input, err)
			continue
		}
		if te.Kind != engine.KindInvalidInput || !te.Permanent {
			t.Errorf("%s %s: got kind %q, permanent %v, want invalid_input, true", test.name, test.input, te.Kind, te.Permanent)
		}
		if !strings.Contains(te.Message, test.want) || !strings.Contains(te.Message, `task "t"`) {
			t.Errorf("%s %s: got %q, want task and %q", test.name, test.input, te.Message, test.want)
		}
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	h := newHandler(t)
	raw := func(s string) json.RawMessage { return json.RawMessage(s) }
	for _, test := range []struct {
		spec string
		with map[string]json.RawMessage
		want string // in the error; "" is none
	}{
		{spec: `"now"`},
		{spec: `{"name":"sleep"}`},
		{spec: `{"name":"sleep"}`, with: map[string]json.RawMessage{"duration": raw(`"${input.d}"`)}},
		{spec: `"now"`, with: map[string]json.RawMessage{"x": raw("1")}},
		{spec: `"sleep"`, with: map[string]json.RawMessage{"seconds": raw("1")}, want: `builtin "sleep": unknown parameter "seconds"`},
		{spec: `"randint"`, with: map[string]json.RawMessage{"min": raw("1")}, want: `parameter "max" is missing`},
		{spec: `"nwo"`, want: `no builtin "nwo"`},
		{spec: ``, want: "builtin spec: want"},
		{spec: `{}`, want: "builtin spec: want"},
		{spec: `{"name":3}`, want: "builtin spec: want"},
		{spec: `{"name":"sleep","duration":"5s"}`, want: `unknown key "duration"`},
	} {
		err := h.Check(t.Context(), &engine.Task{ID: "t", Spec: raw(test.spec), With: test.with})
		switch {
		case test.want == "" && err != nil:
			t.Errorf("%s: got %v, want no error", test.spec, err)
		case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
			t.Errorf("%s: got %v, want %q", test.spec, err, test.want)
		}
	}
}

func FuzzHandle(f *testing.F) {
	f.Add("randrange", []byte(`{"start":1,"stop":5,"step":2}`))
	f.Add("choice", []byte(`{"items":[1,"a"]}`))
	f.Add("randint", []byte(`{"min":-9223372036854775808,"max":9223372036854775807}`))
	f.Add("sleep", []byte(`{"duration":1e-9}`))
	f.Add("pause", []byte(`{"name":"a","timeout":"1h","default":{},"until":"2026-01-02T15:04:05Z"}`))
	f.Fuzz(func(t *testing.T, name string, input []byte) {
		r, err := newHandler(t).Handle(t.Context(), call(name, string(input)))
		if err == nil && !json.Valid(r.Value) {
			t.Errorf("%s %q: got %q, want JSON", name, input, r.Value)
		}
	})
}

func BenchmarkRandint(b *testing.B) {
	h, err := builtin.New(builtin.Config{})
	if err != nil {
		b.Fatal(err)
	}
	c := call("randint", `{"min":1,"max":6}`)
	for b.Loop() {
		if _, err := h.Handle(b.Context(), c); err != nil {
			b.Fatal(err)
		}
	}
}
