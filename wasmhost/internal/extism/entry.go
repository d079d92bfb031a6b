package extism

const reactor, haskell, constructors = "_initialize", "hs_init", "__wasm_call_ctors"

// Starters are the exports that Initializers asks for.
var Starters = [...]string{reactor, haskell, constructors}

// Call is a call of an export.
type Call struct {
	Export string
	Args   []uint64
}

// Initializers are the calls that make an instance ready, once, before its
// first function: of a Haskell plug-in _initialize and hs_init, else
// _initialize of a WASI reactor, else the constructors of a C plug-in. params
// tells of an export whether it is a function, and how many parameters it has.
//
// A function of a plug-in is an export () -> i32 or () -> (). It failed if it
// returned a number other than 0, or if [State.Err] has a message. _start, a
// WASI command, is such a function too, and gets no initializers; it is never
// called unasked, though many plug-ins export it.
func Initializers(entry string, params func(export string) (n int, ok bool)) []Call {
	if entry == "_start" || entry == reactor {
		return nil
	}
	has := func(export string, n int) bool {
		got, ok := params(export)
		return ok && got == n
	}
	switch {
	case has(haskell, 2) && has(reactor, 0):
		return []Call{{Export: reactor}, {Export: haskell, Args: []uint64{0, 0}}}
	case has(haskell, 2):
		return []Call{{Export: haskell, Args: []uint64{0, 0}}}
	case has(reactor, 0):
		return []Call{{Export: reactor}}
	case has(constructors, 0):
		return []Call{{Export: constructors}}
	}
	return nil
}
