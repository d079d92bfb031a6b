package report

// subject is one case: a table, and a panel of a plot.
type subject struct {
	part, name string
	short      string // a column's head
	title      string
	workers    func(int) bool
	rate       bool // what counts is how many a second; else the time of one
}

// sandboxes are the cases of sandboxes, in their order.
var sandboxes = []subject{
	{"sandbox", "no-op", "nothing", "A call that does nothing", oneWorker, false},
	{"sandbox", "sum", "sum", "32 numbers as JSON, their sum as JSON", oneWorker, false},
	{"sandbox", "sum", "sums", "The same, a call on each processor", manyWorkers, true},
	{"sandbox", "echo", "echo", "700 bytes of JSON, decoded and encoded", oneWorker, false},
	{"sandbox", "sum in C", "sum in C", "The sum by a guest of 1 KB, in C", oneWorker, false},
	{"sandbox", "sha256", "SHA-256", "SHA-256 of 1 MiB", oneWorker, false},
	{"sandbox", "fib", "fib(30)", "fib(30)", oneWorker, false},
	{"sandbox", "compile", "compile", "Compiling a Go guest, nothing cached", oneWorker, false},
}

// queues are the cases of queues and flows, in their order.
var queues = []subject{
	{"queue", "start", "begins", "From the submission of a job until it begins, one worker", oneWorker, false},
	{"queue", "job", "done", "From the submission of a job until it is known to be done, one worker", oneWorker, false},
	{"queue", "jobs", "waited for", "Jobs a second, each waited for, as many callers as workers", manyWorkers, true},
	{"queue", "flood", "not waited for", "Jobs a second, not waited for, as many callers as workers", manyWorkers, true},
	{"queue", "chain", "chain of 10", "A chain of 10 steps, one at a time", manyWorkers, false},
	{"queue", "chains", "chains", "Chains of 10 steps a second, 16 callers", manyWorkers, true},
	{"queue", "fan-out", "fan-out of 1 000", "A fan-out of 1 000 with its join", manyWorkers, false},
}

// classes in their order.
var classes = []string{"memory alone", "fsync after the answer", "fsync before the answer"}
