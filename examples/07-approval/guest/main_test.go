package main

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/graflow/graflow-wasm/sdk"
	"github.com/graflow/graflow-wasm/sdk/abi"
)

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "ledger-")
	if err != nil {
		panic(err)
	}
	ledger = dir
	code := m.Run()
	_ = os.RemoveAll(dir) // a temporary directory
	os.Exit(code)
}

// entered is what a run has in the ledger.
func entered(t *testing.T, run string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(ledger, run+".txt"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return string(text)
}

func TestOffer(t *testing.T) {
	t.Parallel()
	l := sdk.NewLocal(sdk.LocalConfig{Meta: abi.Meta{Run: "offer"}})
	got, err := offer.Call(l, Request{Item: "lamp", Quantity: 3})
	if err != nil || got.Cents != 10500 || got.Text != "3 × lamp for 105.00" {
		t.Errorf("got %+v, %v", got, err)
	}
	if got, want := entered(t, "offer"), "offered 3 × lamp for 105.00\n"; got != want {
		t.Errorf("entered %q, want %q", got, want)
	}
	_, err = offer.Call(l, Request{Item: "yacht", Quantity: 1})
	var failed *sdk.Error
	if !errors.As(err, &failed) || !failed.Permanent {
		t.Errorf("got %v, want a permanent error", err)
	}
}

// TestOrder wants nothing to have happened before there is a number.
func TestOrder(t *testing.T) {
	t.Parallel()
	in := Decision{Offer: Offer{Text: "a lamp"}}
	meta := abi.Meta{Run: "order"}
	l := sdk.NewLocal(sdk.LocalConfig{Meta: meta})
	if _, err := order.Call(l, in); err == nil || l.Effects().Paused == nil || l.Effects().Paused.Name != "number" {
		t.Errorf("got %v, paused %v, want a pause for the number", err, l.Effects().Paused)
	}
	if got := entered(t, "order"); got != "" {
		t.Errorf("entered %q before there was a number", got)
	}
	l = sdk.NewLocal(sdk.LocalConfig{Meta: meta, Pauses: map[string]any{"number": "PO-0042"}})
	got, err := order.Call(l, in)
	if want := (Purchase{Status: "ordered", Text: "a lamp", Number: "PO-0042"}); got != want || err != nil {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	if got, want := entered(t, "order"), "ordered a lamp as PO-0042\n"; got != want {
		t.Errorf("entered %q, want %q", got, want)
	}
}

func TestDecline(t *testing.T) {
	t.Parallel()
	l := sdk.NewLocal(sdk.LocalConfig{Meta: abi.Meta{Run: "decline"}})
	got, err := decline.Call(l, Decision{Offer: Offer{Text: "a lamp"}})
	if err != nil || got.Status != "declined" || entered(t, "decline") != "declined a lamp\n" {
		t.Errorf("got %+v, %v, entered %q", got, err, entered(t, "decline"))
	}
}
