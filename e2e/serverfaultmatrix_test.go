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
			m := &matrix{fixture: f}
			trials := f.suffer(trouble, func(all []*trial) []*trial { return chosen(t, all) })
			t.Logf("%s: %d of %d did not come about", trouble.name, m.missed(trials), len(trials))
		})
	}
}
