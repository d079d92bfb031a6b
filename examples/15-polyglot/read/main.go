// The guest of 15-polyglot in Go: it reads a table of temperatures.
package main

import (
	"encoding/csv"
	"strconv"
	"strings"

	"github.com/graflow/graflow-wasm/sdk"
)

func main() {}

// Table is the input.
type Table struct {
	CSV string `json:"csv" doc:"a day in each line, a station in each column"`
}

// Series are the temperatures of one station, a day each.
type Series struct {
	Station string    `json:"station"`
	Values  []float64 `json:"values"`
}

var read = sdk.Task("read", "reads a table, and fills gaps with the day before", func(c *sdk.Context, in Table) ([]Series, error) {
	rows, err := csv.NewReader(strings.NewReader(in.CSV)).ReadAll()
	if err != nil || len(rows) < 3 {
		return nil, sdk.Permanent(sdk.Fail("bad_table", "want a header and two days or more: %d rows, %v", len(rows), err))
	}
	all := make([]Series, len(rows[0])-1)
	for i := range all {
		all[i] = Series{Station: rows[0][i+1]}
		for day, row := range rows[1:] {
			value, err := strconv.ParseFloat(row[i+1], 64)
			if row[i+1] == "" && day > 0 {
				value, err = all[i].Values[day-1], nil
			}
			if err != nil {
				return nil, sdk.Permanent(sdk.Fail("bad_table", "%s, day %d: %v", all[i].Station, day+1, err))
			}
			all[i].Values = append(all[i].Values, value)
		}
	}
	c.Log("%d stations, %d days", len(all), len(rows)-1)
	return all, nil
})

//go:wasmexport read
func _read() int32 { return read.Run() }
