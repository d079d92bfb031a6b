package script

import (
	"errors"

	"github.com/graflow/graflow-wasm/runtimes"
)

// IsMissing tells the error of an interpreter that the program was built without.
func IsMissing(err error) bool {
	_, missing := errors.AsType[*runtimes.MissingError](err)
	return missing
}
