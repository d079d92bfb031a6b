package inside

// Words by which a program is told to run inside a container.
const (
	Word      = "graflow-inside" // os.Args[1]; the verb follows
	VerbRun   = "run"
	VerbServe = "serve"
	VerbWasm  = "wasm"
	VerbCall  = "call"
	// CallName is the base name under which the program is its verb call.
	CallName = "graflow-call"
)

// Environment by which the host tells a wrapper what to do after the command.
const (
	// EnvResultFile is the path of the file whose content is the result; absent:
	// the host has the result otherwise.
	EnvResultFile = "GRAFLOW_RESULT_FILE"
	// EnvFilesOut is a JSON list of patterns of files in abi.EnvOut that the task
	// leaves, see [CheckPattern].
	EnvFilesOut = "GRAFLOW_FILES_OUT"
	// EnvOutputBytes is the most bytes that a result may have. Absent: 16 MiB.
	EnvOutputBytes = "GRAFLOW_OUTPUT_BYTES"
	// EnvWasm is a [WasmTask] as JSON, for the verb wasm.
	EnvWasm = "GRAFLOW_WASM"
)

// Exit codes of the wrapper itself; others are the command's.
const (
	ExitFailed        = 125 // what is around the command failed; the host was told by op fail if it listened
	ExitNotExecutable = 126
	ExitNotFound      = 127
	exitSignal        = 128 // and the signal's number
)

// Kinds of failures that a wrapper tells the host, beside those of wasmhost.
const (
	KindInvalidOutput  = "invalid_output"   // the result file or a file to leave is none that can be taken
	KindOutputTooLarge = "output_too_large" // the result is more than EnvOutputBytes
)
