package main

import (
	"errors"
	"testing"

	"github.com/graflow/graflow-wasm/sdk"
	"github.com/graflow/graflow-wasm/sdk/abi"
)

func TestReserve(t *testing.T) {
	t.Parallel()
	for attempt, wantErr := range map[int]bool{1: true, 2: true, 3: false} {
		l := sdk.NewLocal(sdk.LocalConfig{Meta: abi.Meta{Attempt: attempt}})
		if _, err := reserve.Call(l, Order{Item: "lamp", Busy: 2}); (err != nil) != wantErr {
			t.Errorf("attempt %d: got %v, want an error: %t", attempt, err, wantErr)
		}
	}
}

func TestPay(t *testing.T) {
	t.Parallel()
	if got, err := pay.Call(nil, Order{Item: "lamp"}); err != nil || got.By != "card" {
		t.Errorf("got %+v, %v", got, err)
	}
	_, err := pay.Call(nil, Order{Card: "declined"})
	var failed *sdk.Error
	if !errors.As(err, &failed) || !failed.Permanent {
		t.Errorf("got %v, want a permanent error", err)
	}
}

func TestInvoice(t *testing.T) {
	t.Parallel()
	in := Failed{Order: Order{Item: "lamp", Amount: 20}}
	in.Error.Kind = "declined"
	want := Receipt{Item: "lamp", By: "invoice", Because: "declined"}
	if got, err := invoice.Call(nil, in); got != want || err != nil {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	in.Amount = 2 * maxInvoice
	if _, err := invoice.Call(nil, in); err == nil {
		t.Error("an invoice of any amount")
	}
}
