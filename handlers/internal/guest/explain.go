package guest

import (
	"errors"
	"fmt"
	"strings"
)

// Explained adds to what an operator does not allow whose decision that is, and what
// to do.
func (m Most) Explained(err error) error {
	if err == nil || m.Explain == nil {
		return err
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		for _, one := range joined.Unwrap() {
			all = append(all, m.Explained(one))
		}
		return errors.Join(all...)
	}
	rest, ofGrant := strings.CutPrefix(err.Error(), "grants.")
	key := rest[:max(0, strings.IndexAny(rest, ":[."))]
	if !ofGrant || !strings.Contains(rest, "the operator ") {
		return err
	}
	if why := m.Explain(key); why != "" {
		return fmt.Errorf("%w; %s", err, why)
	}
	return err
}
