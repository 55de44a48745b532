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
		owners   []string
		names    []string
		err      string
	}{
		"only container":                {template: single, names: []string{"app"}},
		"only container with init":      {template: withInit, names: []string{"app"}},
		"annotated container":           {template: annotated, names: []string{"proxy"}},
		"flag overrides annotation":     {template: annotated, want: []string{"app"}, names: []string{"app"}},
		"all":                           {template: several, want: []string{"*"}, names: []string{"migrate", "app", "proxy"}},
		"names, deduplicated, in order": {template: several, want: []string{"proxy", "migrate", "proxy"}, names: []string{"migrate", "proxy"}},
		"no name, several containers":   {template: several, err: "use -c NAME with one of migrate, app, proxy, or -c '*' for all"},
		"unknown name":                  {template: several, want: []string{"web"}, err: `container "web" does not exist: use -c NAME with one of migrate, app, proxy`},
		"all but an owner":              {template: several, want: []string{"*"}, owners: []string{"migrate"}, names: []string{"app", "proxy"}},
		"the only one beside an owner":  {template: several, owners: []string{"proxy"}, names: []string{"app"}},
		"the owner is the default":      {template: annotated, owners: []string{"proxy"}, names: []string{"app"}},
		"the owner by its name":         {template: several, want: []string{"migrate"}, owners: []string{"migrate"}, err: `container "migrate" is an owner container`},
		"outdated annotation":           {template: stale, err: `container "gone" does not exist`},
	} {
		t.Run(name, func(t *testing.T) {
			names, err := workload.Containers(&tt.template, tt.want, tt.owners...)
			if tt.err != "" {
				require.ErrorContains(t, err, tt.err)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, tt.names, names)
		})
	}
}

func TestAdd_RejectsUnknownContainer(t *testing.T) {
	tpl := template("app")
	r := reference(workload.InjectEnvFrom)
	r.Containers = []string{"gone"}
	require.ErrorContains(t, r.Add(&tpl), `container "gone" does not exist`)
	assert.False(t, r.Present(&tpl))
}
