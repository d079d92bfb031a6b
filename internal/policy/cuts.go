package policy

import (
	"encoding/json"
	"math"

	"github.com/graflow/graflow-wasm/handlers/script"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// Cuts tells whether a task of a handler, with limits as a flow file has them, may have
// less under the policy than without: then it may come to something else. Time does not
// count, which no result shows.
func (p *Policy) Cuts(handler string, limits json.RawMessage) bool {
	if g := p.Grants; g != nil && (isOff(g.Channel) || isOff(g.Control)) {
		return true // nobody need ask for them
	}
	asked, err := script.ParseLimits(limits)
	if err != nil {
		return false // it is not run at all
	}
	if handler == "wasm" { // defaults of code are its sandbox's
		asked = asked.Within(unlimited())
	}
	most := p.Limits
	asked.Timeout, most.Timeout = 0, 0
	return asked.Within(most) != asked
}

func isOff(flag *bool) bool { return flag != nil && !*flag }

// unlimited leaves the defaults of what is not asked for.
func unlimited() wasmhost.Limits {
	const most = math.MaxInt64
	return wasmhost.Limits{
		Fuel: most, Memory: most, Stack: most, TableElements: most, OutputBytes: most, LogBytes: most, OpenFiles: most, DiskBytes: most,
		HostCalls: most, HTTPRequests: most, HTTPBytes: most, ChannelOps: most,
	}
}
