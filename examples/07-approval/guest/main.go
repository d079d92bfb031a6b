// Command guest buys things, if somebody says so. What it does to the world is a
// line in a ledger, so that one can count how often it was done.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/graflow/graflow-wasm/sdk"
	"github.com/graflow/graflow-wasm/sdk/abi"
)

func main() {}

// ledger is the directory that the flow grants.
var ledger = "/ledger"

// cents are the prices of what the shop has.
var cents = map[string]int{"lamp": 3500, "chair": 12900, "desk": 48000}

// Request is what somebody would like to have.
type Request struct {
	Item     string `json:"item"`
	Quantity int    `json:"quantity"`
}

// Offer is what it costs.
type Offer struct {
	Request
	Cents int    `json:"cents"`
	Text  string `json:"text"`
}

var offer = sdk.Task("offer", "says what a purchase costs", func(c *sdk.Context, in Request) (Offer, error) {
	price, ok := cents[in.Item]
	if !ok {
		items := strings.Join(slices.Sorted(maps.Keys(cents)), ", ")
		return Offer{}, sdk.Permanent(sdk.Fail(sdk.KindInvalidInput, "there is no %q, but there are: %s", in.Item, items))
	}
	o := Offer{Request: in, Cents: price * in.Quantity}
	o.Text = fmt.Sprintf("%d × %s for %d.%02d", in.Quantity, in.Item, o.Cents/100, o.Cents%100)
	return o, enter(c, "offered "+o.Text)
})

// Decision is what becomes of an offer.
type Decision struct {
	Offer Offer `json:"offer"`
}

// Purchase is how it ended.
type Purchase struct {
	Status string `json:"status" doc:"ordered or declined"`
	Text   string `json:"text"`
	Number string `json:"number,omitempty" doc:"of the order"`
}

// orderNumber is what an order asks for.
var orderNumber = abi.Pause{
	Name:    "number",
	Message: "The order's number, as PO-0042?",
	Schema:  json.RawMessage(`{"type": "string", "pattern": "^PO-[0-9]{4}$"}`),
}

// order pauses before it does anything: once there is an answer it runs again
// from here, and what it had done already would be done twice.
var order = sdk.Task("order", "places an order under a number that it asks for", func(c *sdk.Context, in Decision) (Purchase, error) {
	var number string
	if err := c.Pause(orderNumber, &number); err != nil {
		return Purchase{}, err
	}
	return Purchase{Status: "ordered", Text: in.Offer.Text, Number: number}, enter(c, "ordered "+in.Offer.Text+" as "+number)
})

var decline = sdk.Task("decline", "tells that an offer is not taken", func(c *sdk.Context, in Decision) (Purchase, error) {
	return Purchase{Status: "declined", Text: in.Offer.Text}, enter(c, "declined "+in.Offer.Text)
})

// enter adds a line to the run's file in the ledger. A process that is killed
// between this and the end of the task does it again: what must not happen twice
// needs a key, as the run's id is one, by which to tell that it has happened.
func enter(c *sdk.Context, line string) error {
	f, err := os.OpenFile(path.Join(ledger, c.Run()+".txt"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("open the ledger: %w (is its directory granted?)", err)
	}
	_, err = f.WriteString(line + "\n")
	return errors.Join(err, f.Close())
}

//go:wasmexport offer
func _offer() int32 { return offer.Run() }

//go:wasmexport order
func _order() int32 { return order.Run() }

//go:wasmexport decline
func _decline() int32 { return decline.Run() }
