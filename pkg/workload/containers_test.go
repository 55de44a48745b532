package workload_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

func TestContainers(t *testing.T) {
	single, several := template("app"), template("app", "proxy")
	several.Spec.InitContainers = []corev1.Container{{Name: "migrate"}}
	withInit := template("app")
	withInit.Spec.InitContainers = several.Spec.InitContainers
	annotated := *several.DeepCopy()
	annotated.Annotations = map[string]string{"kubectl.kubernetes.io/default-container": "proxy"}
	stale := *several.DeepCopy()
	stale.Annotations = map[string]string{"kubectl.kubernetes.io/default-container": "gone"}
	for name, tt := range map[string]struct {
		template corev1.PodTemplateSpec
		want     []string
		names    []string
		err      string
	}{
		"the only one":                   {template: single, names: []string{"app"}},
		"the only one beside init":       {template: withInit, names: []string{"app"}},
		"the annotated one":              {template: annotated, names: []string{"proxy"}},
		"a flag before the annotation":   {template: annotated, want: []string{"app"}, names: []string{"app"}},
		"all":                            {template: several, want: []string{"*"}, names: []string{"migrate", "app", "proxy"}},
		"named, once, in their order":    {template: several, want: []string{"proxy", "migrate", "proxy"}, names: []string{"migrate", "proxy"}},
		"none named of several":          {template: several, err: "choose with -c NAME among migrate, app, proxy, or -c '*' for all"},
		"an unknown name":                {template: several, want: []string{"web"}, err: `there is no container "web": choose with -c NAME among migrate, app, proxy`},
		"an annotation that is outdated": {template: stale, err: `there is no container "gone"`},
	} {
		t.Run(name, func(t *testing.T) {
			names, err := workload.Containers(&tt.template, tt.want)
			if tt.err != "" {
				require.ErrorContains(t, err, tt.err)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, tt.names, names)
		})
	}
}

func TestReferenceToAnUnknownContainer(t *testing.T) {
	tpl := template("app")
	r := reference(workload.InjectEnvFrom)
	r.Containers = []string{"gone"}
	require.ErrorContains(t, r.Add(&tpl), `there is no container "gone"`)
	assert.False(t, r.Present(&tpl))
}
