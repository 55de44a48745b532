//go:build e2e && soak

package e2e

import "testing"

// TestServerFaultMatrix is TestServerFaults at every request, before and after it, and in the middle of every exec.
func TestServerFaultMatrix(t *testing.T) {
	t.Parallel()
	for _, trouble := range serverTroubles() {
		t.Run(trouble.name, func(t *testing.T) {
			t.Parallel()
			f := newTroubledDatabase(t, trouble)
			f.suffer(trouble, (&matrix{fixture: f}).chosen)
		})
	}
}
