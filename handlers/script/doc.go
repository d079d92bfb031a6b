// Package script runs tasks that are source code: Python, JavaScript or TypeScript
// that nobody trusts.
//
// A [Handler] adapts package script to engine.Handler. A task's spec is
//
//	language   python, javascript or typescript
//	code       the source text
//	file       what it is called in tracebacks; "" is main.py, main.js or main.ts
//	args       what follows the file's name in sys.argv or process.argv
//	with       directories, wheels and zip files to import from, of this machine
//	files_in   {PATH: FIELD}: fields of the input that are files below /in, too
//	files_out  patterns of files below /out that become files of the run; then the
//	           task's value is {"result": …, "files": {PATH: FILE}}
//
// of which language and code are required. Limits and grants are those of wasm
// tasks. The code finds its task's input as input and the run as ctx; what it asks
// for comes back as the engine.Effects of the result.
//
// The tasks that its task names as Tools are functions to it. Each call is an
// activation of the run, journaled with its answer: the code ends there, and is
// executed again from its start once there is one. It can't tell: its clock, its
// randomness and its answers are those of before. The interpreter is pinned with the
// run, and answers that another build of it has had are refused to it.
package script
