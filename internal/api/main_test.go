package api_test

import (
	"testing"

	"github.com/graflow/graflow-wasm/internal/guesttest"
)

func TestMain(m *testing.M) { guesttest.Main(m) }
