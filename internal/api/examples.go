package api

import (
	"encoding/json"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/control"
	"github.com/graflow/graflow-wasm/internal/ops"
)

// What the document shows.
const (
	exampleRun  = "01JD2V0E6W3MZ0A8Q9T4S5B7CN"
	exampleFlow = "name: hello\ntasks:\n  greet:\n    script: {language: javascript, code: \"'Hello, ' + input.name\"}\n"
)

var (
	exampleTime = time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC)

	exampleSubmission = ops.Submission{Target: ops.Target{Flow: "hello"}, Input: json.RawMessage(`{"name":"Ada"}`), Key: "order-17"}
	exampleSubmitted  = ops.Submitted{Run: exampleRun, Flow: "hello", Status: engine.StatusRunning}
	exampleBegun      = Begun{exampleRun}
	exampleRuns       = ops.RunsPage{
		Runs: []control.Summary{{Run: exampleRun, Flow: "hello", Status: engine.StatusRunning, Driven: true, Started: exampleTime, Steps: 3}},
		Next: "01JD2V0E6W",
	}
	exampleStored = ops.Flow{Name: "hello", Version: "2c26b46b68ff", Stored: exampleTime, By: "ada", Tasks: 1}
	exampleModule = ops.Module{
		Name: "text", Version: "v2", Digest: "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae", Size: 48213,
		ABI: "graflow-1", Tasks: []ops.ModuleTask{{Name: "count", Doc: "counts words"}}, Capabilities: []string{}, Pushed: exampleTime, By: "ada",
	}
	exampleDead = ops.DeadLetter{Number: 7, DeadLetter: engine.DeadLetter{
		Run: exampleRun, Activation: "fetch", Task: "fetch", Attempt: 1, Delivered: 5, Reason: "delivered 5 times without an answer", Time: exampleTime,
	}}
	exampleScheduleSpec = ScheduleSpec{Target: ops.Target{Flow: "hello"}, Input: json.RawMessage(`{"name":"Ada"}`), Cron: "0 6 * * 1-5", Zone: "Europe/Berlin"}
	exampleSchedule     = ops.Schedule{
		Name: "nightly", Target: ops.Target{Flow: "hello"}, Cron: "0 6 * * 1-5", Zone: "Europe/Berlin", Overlap: ops.OverlapSkip, Missed: ops.MissedOnce,
		Created: exampleTime, Next: exampleTime.Add(15 * time.Hour),
	}
	exampleCode    = ops.CodeRequest{Language: "javascript", Source: "input * 2", Input: json.RawMessage("21")}
	exampleSession = ops.Session{
		Name: "notes", Language: "javascript", Size: 21834, Created: exampleTime, Used: exampleTime.Add(time.Hour), Expires: exampleTime.Add(721 * time.Hour),
	}
	exampleCell       = ops.CodeResult{Status: "succeeded", Result: json.RawMessage("42"), Session: &exampleSession}
	exampleCodeResult = ops.CodeResult{Status: "succeeded", Result: json.RawMessage("42")}
)
