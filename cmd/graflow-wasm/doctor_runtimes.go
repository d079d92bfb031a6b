package main

import (
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/graflow/graflow-wasm/handlers/docker"
	"github.com/graflow/graflow-wasm/runtimes"
)

// runtimes looks at the interpreters that code is run by. A program without them is no
// fault: nobody may have said that there is any.
func (f *findings) runtimes(open func(name string) (runtimes.Runtime, error)) {
	for _, name := range []string{runtimes.Python, runtimes.JavaScript} {
		r, err := open(name)
		if _, missing := errors.AsType[*runtimes.MissingError](err); missing {
			f.all = append(f.all, finding{
				Check: name, Status: string(docker.StatusNote), Text: "no interpreter was built in: code in it can't be run",
				Do: "get it with `make runtimes`, and build graflow-wasm again",
			})
			continue
		}
		if err != nil {
			f.wrong(name, "run `make runtimes`, and build graflow-wasm again", "%s", err)
			continue
		}
		f.ok(name, "%s", runtimeText(r))
	}
}

// runtimeText is what an interpreter is and where it is from.
func runtimeText(r runtimes.Runtime) string {
	from := fmt.Sprintf("built by recipe %.12s", r.Recipe)
	if r.Prebuilt {
		from = "built by others, without tools, sessions and ctx"
	}
	return fmt.Sprintf("%s, %s, sha256:%.6x, %s", r.Version, from, sha256.Sum256(r.Wasm), sizeText(uint64(len(r.Wasm))))
}
