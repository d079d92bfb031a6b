package console

import (
	"encoding/json"
	"maps"
	"slices"
	"time"
)

// ledger is what an attempt has used, as far as a handler tells it.
type ledger struct {
	Is     bool
	Fuel   int64
	Memory int64 // bytes
	Wall   time.Duration
	Calls  []hostCall // by name
	Total  int        // of Calls
	Raw    json.RawMessage
}

type hostCall struct {
	Name  string
	Count int
}

// newLedger reads what it knows of a ledger; all of it is in Raw.
func newLedger(raw json.RawMessage) ledger {
	var told struct {
		Wall   time.Duration  `json:"wall_ns"`
		WallMS int64          `json:"wall_ms"` // of a container
		Fuel   int64          `json:"fuel"`
		Memory int64          `json:"peak_memory"`
		Calls  map[string]int `json:"host_calls"`
	}
	if len(raw) == 0 || string(raw) == "null" {
		return ledger{}
	}
	l := ledger{Is: true, Raw: raw}
	if json.Unmarshal(raw, &told) != nil {
		return l
	}
	l.Fuel, l.Memory, l.Wall = told.Fuel, told.Memory, max(told.Wall, time.Duration(told.WallMS)*time.Millisecond)
	for _, name := range slices.Sorted(maps.Keys(told.Calls)) {
		l.Calls = append(l.Calls, hostCall{name, told.Calls[name]})
		l.Total += told.Calls[name]
	}
	return l
}
