package flowtest

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/flowfile"
)

// reader reads a test file and collects what is wrong with it. Its readers of single
// values report what is wrong and leave their target.
type reader struct {
	file *File
	errs flowfile.Errors
}

type field = func(flowfile.Value)

func (r *reader) fault(v flowfile.Value, format string, args ...any) {
	r.errs = append(r.errs, v.Fault(format, args...))
}

func (r *reader) want(v flowfile.Value, wanted string) {
	r.fault(v, "want %s, not %s", wanted, v.Shown())
}

// fields reads a mapping: each key by the function of that name.
func (r *reader) fields(what string, v flowfile.Value, known map[string]field) {
	if v.Kind() != flowfile.Mapping {
		r.fault(v, "%s: want a mapping, not %s", what, v.Shown())
		return
	}
	for _, e := range v.Entries() {
		read, ok := known[e.Key]
		if !ok {
			r.errs = append(r.errs, e.Fault("%s: unknown key %q%s", what, e.Key, flowfile.Suggest(e.Key, slices.Sorted(maps.Keys(known)))))
			continue
		}
		if read != nil {
			read(e.Value)
		}
	}
}

// each reads the entries of a mapping.
func (r *reader) each(what string, v flowfile.Value, read func(flowfile.Entry)) {
	if v.Kind() != flowfile.Mapping {
		r.fault(v, "%s: want a mapping, not %s", what, v.Shown())
		return
	}
	for _, e := range v.Entries() {
		read(e)
	}
}

func (r *reader) text(to *string) field {
	return func(v flowfile.Value) {
		if v.Kind() != flowfile.Text {
			r.want(v, "a string")
			return
		}
		*to = v.Text()
	}
}

func (r *reader) optionalText(to **string) field {
	return func(v flowfile.Value) {
		if v.Kind() != flowfile.Text {
			r.want(v, "a string")
			return
		}
		text := v.Text()
		*to = &text
	}
}

// count reads a whole number that is not less than least.
func (r *reader) count(to **int, least int) field {
	return func(v flowfile.Value) {
		n, err := strconv.Atoi(v.Text())
		if v.Kind() != flowfile.Number || err != nil || n < least {
			r.want(v, "a whole number of "+strconv.Itoa(least)+" or more")
			return
		}
		*to = &n
	}
}

func (r *reader) boolean(to *bool) field {
	return func(v flowfile.Value) {
		if v.Kind() != flowfile.Boolean {
			r.want(v, "true or false")
			return
		}
		*to = v.Text() == "true"
	}
}

func (r *reader) duration(to **engine.Duration) field {
	return func(v flowfile.Value) {
		var d engine.Duration
		if v.Kind() != flowfile.Text || d.UnmarshalText([]byte(v.Text())) != nil || d < 0 {
			r.want(v, "a duration with a unit, as 300ms, 10s, 5m or 1h")
			return
		}
		*to = &d
	}
}

func (r *reader) moment(to *time.Time) field {
	return func(v flowfile.Value) {
		at, err := time.Parse(time.RFC3339, v.Text())
		if v.Kind() != flowfile.Text || err != nil {
			r.want(v, "a time as 2026-01-02T15:04:05Z")
			return
		}
		*to = at
	}
}

func (r *reader) json(to *json.RawMessage) field {
	return func(v flowfile.Value) { *to = v.JSON() }
}

// texts reads a list of strings.
func (r *reader) texts(to *[]string) field {
	return func(v flowfile.Value) {
		if v.Kind() != flowfile.List {
			r.want(v, "a list of strings")
			return
		}
		*to = []string{}
		for _, item := range v.Items() {
			var s string
			r.text(&s)(item)
			*to = append(*to, s)
		}
	}
}

// values reads a mapping of anything.
func (r *reader) values(what string, to *map[string]json.RawMessage) field {
	return func(v flowfile.Value) {
		*to = map[string]json.RawMessage{}
		r.each(what, v, func(e flowfile.Entry) { (*to)[e.Key] = e.Value.JSON() })
	}
}

// known wants the flow to have a task of that path.
func (r *reader) known(path string) (fault string) {
	if r.file.tree.task(path) != nil {
		return ""
	}
	return "the flow " + r.file.Graph.Name() + " has no task " + strconv.Quote(path) + flowfile.Suggest(path, r.file.tree.paths())
}

// firstMoment is when a case begins that does not say.
var firstMoment = time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)

var caseNames = regexp.MustCompile(`\S`)

// root reads the whole file.
func (r *reader) root(v flowfile.Value) {
	now := firstMoment
	if e := entryOf(v, "now"); e != nil {
		r.moment(&now)(e.Value)
	}
	r.fields("test file", v, map[string]field{
		"flow": nil, "now": nil, "secrets": r.secrets, "mocks": r.mocks(r.file.mocks),
		"cases": func(list flowfile.Value) {
			if list.Kind() != flowfile.List || len(list.Items()) == 0 {
				r.want(list, "a list of cases")
				return
			}
			for _, item := range list.Items() {
				r.readCase(item, now)
			}
		},
	})
	if entryOf(v, "cases") == nil {
		r.fault(v, `the key "cases" is missing`)
	}
}

func (r *reader) secrets(v flowfile.Value) {
	r.file.Secrets = map[string]string{}
	r.each("secrets", v, func(e flowfile.Entry) {
		var text string
		r.text(&text)(e.Value)
		r.file.Secrets[e.Key] = text
	})
}

// readCase reads one case, and wants its name to be its own.
func (r *reader) readCase(v flowfile.Value, now time.Time) {
	c := &Case{Now: now, mocks: map[string]*mock{}, answers: map[string]*answer{}, expect: &expectation{}, at: v}
	concurrency := (*int)(nil)
	r.fields("case", v, map[string]field{
		"name": r.text(&c.Name), "input": r.json(&c.Input), "now": r.moment(&c.Now), "mocks": r.mocks(c.mocks),
		"answers": r.answers(c), "cancel_after": r.duration(&c.cancelAfter), "concurrency": r.count(&concurrency, 1),
		"expect": r.expectation(c.expect),
	})
	if concurrency != nil {
		c.concurrency = *concurrency
	}
	if v.Kind() == flowfile.Mapping && !caseNames.MatchString(c.Name) {
		r.fault(v, `a case needs a name`)
	}
	for _, other := range r.file.Cases {
		if other.Name == c.Name && c.Name != "" {
			r.fault(v, "another case is called %q, in line %d", c.Name, other.at.Line())
		}
	}
	input := c.Input
	if input == nil {
		input = json.RawMessage("null")
	}
	if err := r.file.Flow.CheckInput(input); err != nil {
		at := v
		if e := entryOf(v, "input"); e != nil {
			at = e.Value
		}
		r.fault(at, "the input does not fit the flow: %s", err)
	}
	r.file.Cases = append(r.file.Cases, c)
}
