// Command guest is an order's way through a shop where things go wrong: a busy
// warehouse, a card that is declined, a payment that never answers.
package main

import (
	"errors"
	"time"

	"github.com/graflow/graflow-wasm/sdk"
)

func main() {}

// Order is what a customer wants, and what goes wrong on the way.
type Order struct {
	Item   string  `json:"item"`
	Amount float64 `json:"amount,omitempty"`
	Card   string  `json:"card,omitempty" doc:"ok, declined, or hang: the bank never answers"`
	Busy   int     `json:"busy,omitempty" doc:"how often the warehouse is busy at first"`
}

// reservedKey is the channel key that tells what is set aside.
const reservedKey = "reserved"

var reserve = sdk.Task("reserve", "sets the item aside; a busy warehouse says when to ask again", func(c *sdk.Context, in Order) (Order, error) {
	if c.Attempt() <= in.Busy {
		return Order{}, sdk.RetryAfter(sdk.Fail("busy", "the warehouse is busy"), 20*time.Millisecond)
	}
	return in, c.Channel().Set(reservedKey, in.Item)
})

// Receipt tells how an order is paid for.
type Receipt struct {
	Item    string `json:"item"`
	By      string `json:"by"`
	Because string `json:"because,omitempty"`
}

var pay = sdk.Task("pay", "charges the card", func(_ *sdk.Context, in Order) (Receipt, error) {
	switch in.Card {
	case "declined":
		return Receipt{}, sdk.Permanent(sdk.Fail("declined", "the card was declined"))
	case "hang":
		for forever := true; forever; { // no call of the host: only the meter can end it
			forever = in.Item != ""
		}
	}
	return Receipt{Item: in.Item, By: "card"}, nil
})

// Failed is an order, and why it could not be paid for.
type Failed struct {
	Order
	Error struct {
		Kind     string `json:"kind"`
		Message  string `json:"message"`
		Attempts int    `json:"attempts"`
	} `json:"error"`
}

// maxInvoice is the largest amount for which the shop trusts a stranger.
const maxInvoice = 1000

var invoice = sdk.Task("invoice", "stands in for pay: the customer pays later", func(_ *sdk.Context, in Failed) (Receipt, error) {
	if in.Amount > maxInvoice {
		return Receipt{}, errors.New("too much for an invoice")
	}
	return Receipt{Item: in.Item, By: "invoice", Because: in.Error.Kind}, nil
})

var release = sdk.Task("release", "undoes reserve when an order is not paid for", func(c *sdk.Context, in Failed) (string, error) {
	c.Log("released %s: %s", in.Item, in.Error.Message)
	return in.Item, c.Channel().Delete(reservedKey)
})

var ship = sdk.Task("ship", "sends what was paid for", func(_ *sdk.Context, in Receipt) (Receipt, error) { return in, nil })

//go:wasmexport reserve
func _reserve() int32 { return reserve.Run() }

//go:wasmexport pay
func _pay() int32 { return pay.Run() }

//go:wasmexport invoice
func _invoice() int32 { return invoice.Run() }

//go:wasmexport release
func _release() int32 { return release.Run() }

//go:wasmexport ship
func _ship() int32 { return ship.Run() }
