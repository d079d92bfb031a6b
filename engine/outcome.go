package engine

import (
	"encoding/json"
	"time"
)

// Status is the state of a run or of an activation.
type Status string

// Statuses. A run is running, paused (nothing can go on without somebody),
// succeeded, failed or canceled; an activation may also be pending, retrying
// (waiting for its next attempt) or skipped.
const (
	StatusPending   Status = "pending"
	StatusRunning   Status = "running"
	StatusRetrying  Status = "retrying"
	StatusPaused    Status = "paused"
	StatusSucceeded Status = "succeeded"
	StatusFailed    Status = "failed"
	StatusCanceled  Status = "canceled"
	StatusSkipped   Status = "skipped"
)

// Reasons of a run that ended otherwise than by its last task.
const (
	ReasonTerminated = "terminated"
	ReasonStepLimit  = "step_limit"
	ReasonCycleLimit = "cycle_limit"
	ReasonDeadline   = "deadline"
	ReasonCanceled   = "canceled"
	ReasonNoEnd      = "no_end_reached"
	ReasonHeld       = "held" // of a paused run: by hand
	ReasonWorkerLost = "worker_lost"
	ReasonCorrupt    = "corrupt" // what is stored of the run is not what was written
)

// Outcome is how a run ended.
type Outcome struct {
	Run      string          `json:"run"`
	Flow     string          `json:"flow"`
	Status   Status          `json:"status"`
	Reason   string          `json:"reason,omitempty"`
	Message  string          `json:"message,omitempty"` // of terminate or cancel
	Task     string          `json:"task,omitempty"`    // which terminated or canceled
	Output   json.RawMessage `json:"output"`
	Error    *TaskError      `json:"error,omitempty"`
	Steps    int             `json:"steps"`             // activations committed
	Pending  []string        `json:"pending,omitempty"` // activations that were ready or running, and tasks still waiting
	Warnings []string        `json:"warnings,omitempty"`
	// Pauses are what a paused run waits for.
	Pauses      []Waiting        `json:"pauses,omitempty"`
	Checkpoints []CheckpointInfo `json:"checkpoints,omitempty"`
	Files       []TaskFile       `json:"files,omitempty"` // that tasks have left, in order of commit
}

// Notice is one thing that happened in a run, for whoever watches: what its
// events say, and what follows from them. Notices of one run come in order.
type Notice struct {
	Seq        uint64          `json:"seq"` // of the event it follows from; 0 for those that are not journaled
	Time       time.Time       `json:"time"`
	Type       NoticeType      `json:"type"`
	Run        string          `json:"run"`
	Task       string          `json:"task,omitempty"`
	Activation string          `json:"activation,omitempty"`
	Handler    string          `json:"handler,omitempty"`
	Group      string          `json:"group,omitempty"` // the group, or the map task, that the activation is a member of
	Attempt    int             `json:"attempt,omitempty"`
	Cycle      int             `json:"cycle,omitempty"`
	Why        string          `json:"why,omitempty"`
	Status     Status          `json:"status,omitempty"`
	Value      json.RawMessage `json:"value,omitempty"`
	Error      *TaskError      `json:"error,omitempty"`
	Recovered  *TaskError      `json:"recovered,omitempty"` // of task_succeeded: the error that its fallback made good
	Delay      Duration        `json:"delay,omitempty"`     // until the next attempt
	Started    time.Time       `json:"started,omitzero"`
	Worker     string          `json:"worker,omitempty"` // the process that executes the attempt, where several could
	Ledger     json.RawMessage `json:"ledger,omitempty"`
	Message    string          `json:"message,omitempty"` // log line, progress note, warning, terminate or cancel
	Level      string          `json:"level,omitempty"`   // of a log line
	Done       float64         `json:"done,omitempty"`
	Total      float64         `json:"total,omitempty"`
	Outcome    *Outcome        `json:"outcome,omitempty"` // of run_finished
}

// NoticeType says what a Notice tells.
type NoticeType string

// Notices, in the order of a task's life.
const (
	NoticeRunStarted    NoticeType = "run_started"
	NoticeTaskReady     NoticeType = "task_ready"   // enqueued; Why says what made it so
	NoticeTaskStarted   NoticeType = "task_started" // an attempt begins; of one that goes on after calls Done counts how often it has called
	NoticeTaskLog       NoticeType = "task_log"
	NoticeTaskProgress  NoticeType = "task_progress"
	NoticeTaskRetrying  NoticeType = "task_retrying" // an attempt failed, another follows after Delay
	NoticeTaskPaused    NoticeType = "task_paused"   // waits; Message is the pause's name, Value its schema
	NoticeTaskResumed   NoticeType = "task_resumed"  // Value is the answer; after calls Total counts them
	NoticeTaskCalled    NoticeType = "task_called"   // it waits for tasks that it has called: Message names them, Total counts them
	NoticeTaskSucceeded NoticeType = "task_succeeded"
	NoticeTaskFailed    NoticeType = "task_failed"
	NoticeTaskCanceled  NoticeType = "task_canceled"
	NoticeTaskSkipped   NoticeType = "task_skipped"
	NoticeGroupStarted  NoticeType = "group_started"
	NoticeGroupFinished NoticeType = "group_finished" // Status, Value or Error
	NoticeWarning       NoticeType = "warning"
	NoticeCheckpoint    NoticeType = "checkpoint"   // Message is its name, Value its metadata
	NoticeRunHeld       NoticeType = "run_held"     // by hand
	NoticeRunReleased   NoticeType = "run_released" // by hand
	NoticeRunRetried    NoticeType = "run_retried"  // Message is the task from which, if one was named
	NoticeRunFinished   NoticeType = "run_finished"
)
