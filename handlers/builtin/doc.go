// Package builtin runs the tasks that every installation has: now, sleep, uuid,
// choice, randint, randrange and pause.
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
//	pause      {"name": "approve", ...}      what somebody answers, see below
//
// The other parameters of pause are optional; durations are as sleep's:
//
//	message    what it is about, for whoever is asked
//	schema     JSON Schema of the answer
//	timeout    how long to wait at most: then the answer is default, or without
//	           one the task fails with kind pause_timeout
//	default    the answer after timeout, which it needs
//	until      "2026-01-02T15:04:05Z": from then on the answer is null
//	after      the same after a duration; not together with until
//
// A pause and a sleep hold no slot while they wait, and outlive the process with
// their run: the engine executes the task again when there is an answer.
//
// Numbers are 64-bit integers except for seconds. Parameters that are missing,
// unknown or of another type fail the attempt with kind invalid_input and are
// never retried. A value is drawn once: it is in the journal as the task's
// result, and who resumes a run reads it there.
//
// The package knows nothing of runs, channels or backends.
package builtin
