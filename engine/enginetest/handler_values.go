package enginetest

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/graflow/graflow-wasm/engine"
)

// valueTest is a program that succeeds, and what comes of it: by itself, in a run,
// and as two members of a group.
type valueTest struct {
	name    string
	program Program
	input   string
	channel values
	before  string // the result of the task before
	want    string
	after   values // the channel
	both    values // the channel after two members; nil is as after
}

// bigText is a string of 1 MiB.
var bigText = `"` + strings.Repeat("0123456789abcdef", 1<<16) + `"`

const unicodeText = `"grüße, 世界, \u2028 שלום, 👩‍🚀, e\u0301, \u0000\u001f\"\\/ <&>\ufffd"`

var valueTests = []valueTest{
	{name: "null", program: ProgramEcho, input: `null`, want: `null`},
	{name: "document", program: ProgramEcho, input: `{"a":[1,2.5,true,null,{"b":"c"}],"":""}`, want: `{"a":[1,2.5,true,null,{"b":"c"}],"":""}`},
	{name: "large number", program: ProgramEcho, input: `9007199254740993`, want: `9007199254740993`},
	{name: "unicode", program: ProgramEcho, input: unicodeText, want: unicodeText},
	{name: "1 MiB", program: ProgramEcho, input: bigText, want: bigText},
	{
		name: "of a task", program: ProgramResult, input: `"before"`, before: `{"x":[1]}`, want: `{"x":[1]}`,
	},
	{name: "that is null", program: ProgramResult, input: `"before"`, before: `null`, want: `null`},
	{name: "of none", program: ProgramResult, input: `"nobody"`, want: `null`},
	{
		name: "reads", program: ProgramChannel, channel: values{"k": `{"a":1}`, "k2": `null`, "other": `2`},
		input: `[{"op":"get","key":"k"},{"op":"get","key":"k2"},{"op":"get","key":"none"},{"op":"keys","key":"k"},{"op":"keys","key":"zz"}]`,
		want:  `[{"a":1},null,null,["k","k2"],[]]`, after: values{"k": `{"a":1}`, "k2": `null`, "other": `2`},
	},
	{
		name: "sets and deletes", program: ProgramChannel, channel: values{"old": `1`},
		input: `[{"op":"set","key":"new","value":{"a":null}},{"op":"get","key":"new"},{"op":"delete","key":"old"},{"op":"get","key":"old"},{"op":"delete","key":"none"},{"op":"keys"}]`,
		want:  `[true,{"a":null},true,null,true,["new"]]`, after: values{"new": `{"a":null}`},
	},
	{
		name: "adds", program: ProgramChannel, channel: values{"n": `40`},
		input: `[{"op":"add","key":"n","value":2},{"op":"get","key":"n"},{"op":"add","key":"m","value":0.5},{"op":"add","key":"m","value":1},{"op":"get","key":"m"}]`,
		want:  `[true,42,true,true,1.5]`, after: values{"n": `42`, "m": `1.5`}, both: values{"n": `44`, "m": `3`},
	},
	{
		name: "appends", program: ProgramChannel, channel: values{"l": `[1]`},
		input: `[{"op":"append","key":"l","value":2},{"op":"prepend","key":"l","value":"a"},{"op":"get","key":"l"},{"op":"append","key":"m","value":null},{"op":"get","key":"m"}]`,
		want:  `[true,true,["a",1,2],true,[null]]`, after: values{"l": `["a",1,2]`, "m": `[null]`}, both: values{"l": `["a","a",1,2,2]`, "m": `[null,null]`},
	},
	{
		name: "refuses", program: ProgramChannel, channel: values{"text": `"x"`},
		input: `[{"op":"add","key":"text","value":1},{"op":"append","key":"text","value":1},{"op":"add","key":"n","value":"y"},{"op":"get","key":"text"},{"op":"keys"}]`,
		want:  `[false,false,false,"x",["text"]]`, after: values{"text": `"x"`},
	},
	{
		name: "unicode", program: ProgramChannel,
		input: `[{"op":"set","key":"schlüssel 🔑","value":` + unicodeText + `},{"op":"get","key":"schlüssel 🔑"},{"op":"keys","key":"schlü"}]`,
		want:  `[true,` + unicodeText + `,["schlüssel 🔑"]]`, after: values{"schlüssel 🔑": unicodeText},
	},
	{
		name: "1 MiB", program: ProgramChannel, channel: values{"in": bigText},
		input: `[{"op":"get","key":"in"},{"op":"set","key":"out","value":` + bigText + `}]`,
		want:  `[` + bigText + `,true]`, after: values{"in": bigText, "out": bigText},
	},
}

var valueCases = append(casesOf(valueTests), []handlerCase{
	{ProgramChannel, "of attempts at once", concurrentAttempts},
	{ProgramMeta, "of an attempt", metaOfAttempt},
	{ProgramMeta, "of a retry in a group", metaOfRun},
	{ProgramTell, "in order", tellsAttempt},
	{ProgramTell, "in a run", tellsRun},
}...)

func casesOf(tests []valueTest) []handlerCase {
	var all []handlerCase
	for _, v := range tests {
		all = append(all, handlerCase{v.program, v.name, v.run})
	}
	return all
}

func (v valueTest) run(t *testing.T, s HandlerSuite) {
	t.Helper()
	if v.before == "" {
		v.before = "null"
	}
	if v.both == nil {
		v.both = v.after
	}
	t.Run("attempt", func(t *testing.T) {
		t.Parallel()
		r, _ := s.once(t, v.program, v.input, v.channel, values{"before": v.before})
		wantJSON(t, "value", r.Value, v.want)
		wantChannel(t, after(t, v.channel, r.Effects.Channel), v.after)
	})
	t.Run("run", func(t *testing.T) {
		t.Parallel()
		f := s.flow(t, v.input, v.channel)
		f.before = v.before
		out := f.run(t, s.task(t, "a", v.program))
		wantStatus(t, out, engine.StatusSucceeded)
		wantJSON(t, "output", out.Output, v.want)
		wantChannel(t, f.channelSeen(), v.after)
	})
	t.Run("group", func(t *testing.T) {
		t.Parallel()
		f := s.flow(t, v.input, v.channel)
		f.before = v.before
		out := f.run(t, engine.Par(s.task(t, "a", v.program), s.task(t, "b", v.program)))
		wantStatus(t, out, engine.StatusSucceeded)
		wantJSON(t, "output", out.Output, `{"a":`+v.want+`,"b":`+v.want+`}`)
		wantChannel(t, f.channelSeen(), v.both)
	})
}

// concurrentAttempts wants attempts that are made at once, by one handler, to see
// their own channel and no other's.
func concurrentAttempts(t *testing.T, s HandlerSuite) {
	t.Helper()
	h := s.New(t)
	var all sync.WaitGroup
	for i := range s.Attempts {
		own := fmt.Sprintf("own%d", i)
		channel := values{"from": fmt.Sprint(i)}
		call := s.newCall(t, ProgramChannel, fmt.Sprintf(`[{"op":"get","key":"from"},{"op":"set","key":%q,"value":%d},{"op":"add","key":"n","value":1},{"op":"get","key":"n"},{"op":"keys"}]`, own, i), channel, nil)
		call.Activation = fmt.Sprintf("t#%d", i)
		all.Go(func() {
			r, err := attempt(t.Context(), h, call)
			if err != nil {
				t.Errorf("attempt %d: %v", i, err)
				return
			}
			wantJSON(t, "value", r.Value, fmt.Sprintf(`[%d,true,true,1,["from","n",%q]]`, i, own))
			if len(r.Effects.Channel) != 2 {
				t.Errorf("attempt %d: got %+v, want its own two writes", i, r.Effects.Channel)
			}
		})
	}
	all.Wait()
}

// attemptMeta is what [ProgramMeta] returns.
type attemptMeta struct {
	Run         string `json:"run"`
	Task        string `json:"task"`
	Activation  string `json:"activation"`
	Attempt     int    `json:"attempt"`
	MaxAttempts int    `json:"max_attempts"`
	Cycle       int    `json:"cycle"`
	MaxCycles   int    `json:"max_cycles"`
	CanIterate  bool   `json:"can_iterate"`
}

func wantMeta(t *testing.T, value json.RawMessage, want attemptMeta) {
	t.Helper()
	var got attemptMeta
	check(t, json.Unmarshal(value, &got))
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func metaOfAttempt(t *testing.T, s HandlerSuite) {
	t.Helper()
	call := s.newCall(t, ProgramMeta, "null", nil, nil)
	call.Activation, call.Attempt, call.MaxAttempts, call.Cycle, call.MaxCycles = "t#4", 2, 3, 4, 4
	r, err := attempt(t.Context(), s.New(t), call)
	check(t, err)
	wantMeta(t, r.Value, attemptMeta{Run: "run-1", Task: "t", Activation: "t#4", Attempt: 2, MaxAttempts: 3, Cycle: 4, MaxCycles: 4})
}

func metaOfRun(t *testing.T, s HandlerSuite) {
	t.Helper()
	f := s.flow(t, "null", nil)
	a, b := s.task(t, "a", ProgramMeta), s.task(t, "b", ProgramMeta)
	b.Retry = &engine.Retry{Max: 2}
	out := f.run(t, engine.Par(a, b))
	wantStatus(t, out, engine.StatusSucceeded)
	var got map[string]json.RawMessage
	check(t, json.Unmarshal(out.Output, &got))
	for id, attempts := range map[string]int{"a": 1, "b": 3} {
		started := f.told(id, engine.NoticeTaskStarted)
		if len(started) != 1 {
			t.Fatalf("task %s: got %d attempts, want 1", id, len(started))
		}
		wantMeta(t, got[id], attemptMeta{
			Run: out.Run, Task: id, Activation: started[0].Activation,
			Attempt: 1, MaxAttempts: attempts, Cycle: 1, MaxCycles: engine.DefaultMaxCycles, CanIterate: true,
		})
	}
}

const tale = `{"log":[{"level":"DEBUG","message":"a"},{"level":"INFO","message":"grüße 👋"},{"level":"WARN","message":"c"},{"level":"ERROR","message":"d"}],
	"progress":[{"done":1,"total":4,"note":"a quarter ¼"},{"done":2.5,"total":4,"note":""}]}`

func tellsAttempt(t *testing.T, s HandlerSuite) {
	t.Helper()
	r, told := s.once(t, ProgramTell, tale, nil, nil)
	wantJSON(t, "value", r.Value, "null")
	for _, line := range []string{"DEBUG a", "INFO grüße 👋", "WARN c", "ERROR d", "1 of 4 a quarter ¼", "2.5 of 4 "} {
		if !told.has(line) {
			t.Errorf("got %q, want %q among it", told.lines, line)
		}
	}
	if len(told.lines) != 6 || told.lines[0] != "DEBUG a" || told.lines[5] != "2.5 of 4 " {
		t.Errorf("got %q, want six lines in order", told.lines)
	}
}

func tellsRun(t *testing.T, s HandlerSuite) {
	t.Helper()
	f := s.flow(t, tale, nil)
	wantStatus(t, f.run(t, engine.Par(s.task(t, "a", ProgramTell), s.task(t, "b", ProgramTell))), engine.StatusSucceeded)
	for _, id := range []string{"a", "b"} {
		lines, progress := f.told(id, engine.NoticeTaskLog), f.told(id, engine.NoticeTaskProgress)
		if len(lines) != 4 || lines[1].Message != "grüße 👋" || lines[2].Level != "WARN" {
			t.Errorf("task %s: got %+v, want its four lines", id, lines)
		}
		if len(progress) == 0 || progress[0].Total != 4 {
			t.Errorf("task %s: got %+v, want its progress", id, progress)
		}
	}
}
