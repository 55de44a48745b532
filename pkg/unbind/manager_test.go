package unbind

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
)

func TestUnbind_UsesTheFieldManagerOfTheBind(t *testing.T) {
	for name, tt := range map[string]struct{ bound, named, writes string }{
		"the default":   {"", "", "pgbind.dev after "},
		"of the bind":   {"ci", "", "ci after ci"},
		"instead of it": {"ci", "deploy", "deploy after ci"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			bound := w.secret().DeepCopy()
			const spec = `"spec":{`
			for key, value := range bound.Annotations {
				if tt.bound != "" {
					bound.Annotations[key] = strings.Replace(value, spec, spec+`"fieldManager":"`+tt.bound+`",`, 1)
				}
			}
			require.NoError(t, w.kube.Tracker().Update(corev1.SchemeGroupVersion.WithResource("secrets"), bound, "ns"))

			require.NoError(t, w.unbind(func(o *Options) { o.FieldManager = tt.named }))

			slices.Sort(w.managers)
			assert.Equal(t, []string{tt.writes}, slices.Compact(w.managers))
		})
	}
}
