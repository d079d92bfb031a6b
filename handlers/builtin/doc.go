// Package builtin runs the tasks that every installation has: now, sleep, uuid,
// choice, randint and randrange.
//
// A task's spec is {"name": "now"}, or the name alone as a JSON string; its
// input is a JSON object with the parameters:
//
//	now        whatever the input            "2026-01-02T03:04:05.678Z": UTC, RFC 3339
//	uuid       whatever the input            "0b5f…": a random (version 4) UUID
//	sleep      {"duration": "1m30s" or 90}   null, after that time; a number is seconds
//	choice     {"items": [...]}              one of the items, each as likely
//	randint    {"min": 1, "max": 6}          an integer, both ends included
//	randrange  {"start": 0, "stop": 10, "step": 2}
//	                                         as Python's: start (default 0) included,
//	                                         stop excluded, step (default 1) may be negative
//
// Numbers are 64-bit integers except for sleep's. Parameters that are missing,
// unknown or of another type fail the attempt with kind invalid_input and are
// never retried. A value is drawn once: it is in the journal as the task's
// result, and who resumes a run reads it there.
//
// Known gap: sleep is a timer of the process and holds a slot of it. As a
// durable timer that outlives the process it becomes the engine's own task.
//
// The package knows nothing of runs, channels or backends.
package builtin
