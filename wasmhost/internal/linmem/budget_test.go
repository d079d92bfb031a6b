package linmem_test

import (
	"sync"
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost/internal/linmem"
)

// TestBudgetIsNeverExceeded has memories race for more than there is.
func TestBudgetIsNeverExceeded(t *testing.T) {
	t.Parallel()
	const workers, rounds = 8, 200
	budget := linmem.NewBudget(10 * linmem.PageSize)
	var refused, most [workers]int64
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for range rounds {
				m := linmem.New(linmem.Config{Most: 4 * linmem.PageSize, Budget: budget})
				for pages := range uint64(4) {
					if m.Reallocate((pages+1)*linmem.PageSize) == nil {
						refused[w]++
					}
					most[w] = max(most[w], budget.InUse())
				}
				m.Free()
			}
		})
	}
	wg.Wait()
	var refusals int64
	for w := range workers {
		refusals += refused[w]
		if most[w] > budget.Most() {
			t.Errorf("got %d bytes in use, want at most %d", most[w], budget.Most())
		}
	}
	if got := budget.InUse(); got != 0 {
		t.Errorf("got %d bytes in use after all was freed, want 0", got)
	}
	t.Logf("%d refusals", refusals)
}

func TestBudgetOfNothing(t *testing.T) {
	t.Parallel()
	m := linmem.New(linmem.Config{Most: linmem.PageSize, Budget: linmem.NewBudget(0)})
	defer m.Free()
	if m.Reallocate(0) == nil {
		t.Error("an empty memory was refused")
	}
	if m.Reallocate(linmem.PageSize) != nil || !m.Refused() {
		t.Error("got a page from a budget of nothing")
	}
	var none *linmem.Budget
	if none.InUse() != 0 {
		t.Error("a nil budget counts")
	}
}
