package runtimes

import (
	"embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io/fs"
	"strings"
)

//go:embed python/graflow/*.py python/prebuilt/driver.py
var prelude embed.FS

// CommandInput is the input, a JSON string, of the task _start of a prebuilt
// Python that has it run a document as run takes it. Its output is that of run;
// what the code prints is on stderr. Calls of tools fail in the code with kind
// unavailable, as those of ctx do; graflow.fail is an error in the output only.
func CommandInput(document []byte) ([]byte, error) {
	driver, err := prelude.ReadFile("python/prebuilt/driver.py")
	if err != nil {
		return nil, err
	}
	modules, err := fs.Glob(prelude, "python/graflow/*.py")
	if err != nil {
		return nil, err
	}
	var program strings.Builder
	program.Write(driver)
	program.WriteString("\nfrom base64 import b64decode as _d\nstart({\n")
	for _, file := range modules {
		source, err := prelude.ReadFile(file)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&program, "%q: _d(%q),\n", moduleName(file), base64.StdEncoding.EncodeToString(source))
	}
	fmt.Fprintf(&program, "}, _d(%q))\n", base64.StdEncoding.EncodeToString(document))
	return json.Marshal(program.String())
}

// moduleName is graflow._host for python/graflow/_host.py.
func moduleName(file string) string {
	name := strings.ReplaceAll(strings.TrimPrefix(strings.TrimSuffix(file, ".py"), "python/"), "/", ".")
	return strings.TrimSuffix(name, ".__init__")
}
