package binding

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

const formerPassword = "hunter2-hunter2"

// newNamedWorld has a workload with variables of its own.
func newNamedWorld(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.workloads["web"].Template().Spec.Containers[0].Env = formerEnv()
	return w
}

func formerEnv() []corev1.EnvVar {
	return []corev1.EnvVar{
		{
			Name:  "COLOUR",
			Value: "green",
		},
		{Name: "DB_HOST", Value: "svc"},
		{Name: "DB_USER", Value: "boss"},
		{Name: "DB_PASSWORD", Value: formerPassword},
		{
			Name:  "DB_NAME",
			Value: "postgres",
		},
		{Name: "DATABASE_URL", Value: "postgres://boss:" + formerPassword + "@svc.ns:5432/postgres?sslmode=disable"},
	}
}

func keepsNames(i *Item) { i.Spec.NamesFromWorkload = true }

func (w *world) env() []corev1.EnvVar { return w.workloads["web"].Template().Spec.Containers[0].Env }

func ref(name string) corev1.EnvVar {
	return corev1.EnvVar{Name: name, ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
		LocalObjectReference: corev1.LocalObjectReference{Name: secretName}, Key: name,
	}}}
}

// assertNamed requires that the workload has the new login under its own names, and that nothing shows the former password.
func (w *world) assertNamed(err error) {
	w.t.Helper()
	assert.Equal(w.t, []corev1.EnvVar{
		{Name: "COLOUR", Value: "green"}, ref("DB_HOST"), ref("DB_USER"), ref("DB_PASSWORD"), ref("DB_NAME"), ref("DATABASE_URL"),
	}, w.env())
	assert.Empty(w.t, w.workloads["web"].Template().Spec.Containers[0].EnvFrom)
	data := w.secret().Data
	assert.Len(w.t, data, 6, "exactly these names, and the former ones")
	role := w.role()
	assert.Equal(w.t, "svc.ns.svc", string(data["DB_HOST"]))
	assert.Equal(w.t, role.name, string(data["DB_USER"]))
	assert.Equal(w.t, role.password, string(data["DB_PASSWORD"]))
	assert.Equal(
		w.t, fmt.Sprintf("postgres://%s:%s@svc.ns.svc:5432/postgres?sslmode=disable", role.name, role.password),
		string(data["DATABASE_URL"]),
	)
	w.assertNoFormer(err)
}

func (w *world) assertNoFormer(err error) {
	w.t.Helper()
	said := strings.Join(w.Shown, "\n") + strings.Join(w.Warned, "\n") + strings.Join(w.Results, "\n") + fmt.Sprint(err, w.written)
	for _, found := range w.workloads {
		for _, note := range found.Annotations() {
			said += note
		}
	}
	if found := w.secret(); found != nil {
		said += fmt.Sprint(found.Annotations)
	}
	assert.NotContains(w.t, said, formerPassword)
	w.assertNoPassword(err)
}

// restored returns the variables as unbind restores them.
func (w *world) restored() []corev1.EnvVar {
	w.t.Helper()
	web := w.workloads["web"].DeepCopy()
	former, err := secret.Former(secret.AnnotationsOf(web.Annotations())[secretName].Former, w.secret())
	require.NoError(w.t, err)
	_, lost := workload.Restore(web.Template(), secretName, former)
	assert.Empty(w.t, lost)
	return web.Template().Spec.Containers[0].Env
}

func TestNamesFromWorkload_AreReplacedAndKept(t *testing.T) {
	w := newNamedWorld(t)
	require.NoError(t, w.bind(t.Context(), keepsNames))
	assert.Equal(t, []string{"secret/postgresql-secret-2 created", "deployment.apps/web bound"}, w.Results)
	w.assertNamed(nil)
	assert.Equal(t, formerEnv(), w.restored())
	note := secret.AnnotationsOf(w.workloads["web"].Annotations())[secretName]
	assert.Contains(
		t, note.Former,
		secret.FormerVariable{Container: "app", Name: "DB_HOST", Entry: &corev1.EnvVar{Name: "DB_HOST", Value: "svc"}},
	)
	assert.Contains(t, note.Former, secret.FormerVariable{Container: "app", Name: "DB_USER", InSecret: true})

	for name, change := range map[string]func(*Item){"no flag": func(*Item) {}, "the flag": keepsNames} {
		require.NoError(t, w.bind(t.Context(), change), name)
		assert.Equal(t, []string{"secret/postgresql-secret-2 unchanged", "deployment.apps/web unchanged"}, w.Results, name)
		w.assertNamed(nil)
		assert.Equal(t, formerEnv(), w.restored(), name)
	}
}

func TestNamesFromWorkload_InAFile(t *testing.T) {
	w := newNamedWorld(t)
	const spec = "workload: deployment/web, postgres: pod/postgresql-sfs-0, namesFromWorkload: true"
	items := w.apply(t.Context(), spec)
	require.NoError(t, items[0].Err)
	w.assertNamed(nil)
	items = w.apply(t.Context(), spec)
	require.NoError(t, items[0].Err)
	assert.Equal(t, Unchanged, items[0].Outcome)
	assert.Equal(t, formerEnv(), w.restored())

	items = w.apply(t.Context(), "workload: deployment/web, postgres: pod/postgresql-sfs-0")
	require.ErrorContains(t, items[0].Err, "set namesFromWorkload, or unbind it first")
	w.assertNamed(items[0].Err)
}

func TestNamesFromWorkload_RepairsWhatSomebodyPutBack(t *testing.T) {
	w := newNamedWorld(t)
	require.NoError(t, w.bind(t.Context(), keepsNames))
	w.env()[2] = corev1.EnvVar{Name: "DB_USER", Value: "another"}
	require.NoError(t, w.bind(t.Context()))
	w.assertNamed(nil)
	want := formerEnv()
	want[2].Value = "another"
	assert.Equal(t, want, w.restored())
}

func TestNamesFromWorkload_AfterAPreset(t *testing.T) {
	w := newNamedWorld(t)
	require.NoError(t, w.bind(t.Context()))
	require.NoError(t, w.bind(t.Context(), keepsNames))
	w.assertNamed(nil)
	assert.Equal(t, formerEnv(), w.restored())
	require.ErrorContains(t, w.bind(t.Context(), func(i *Item) { i.Spec.Presets = []string{"url"} }), "unbind it first")
}

func TestNamesFromWorkload_FailureLeavesTheVariables(t *testing.T) {
	for _, step := range []string{"try patch", "psql", "create secrets", "patch"} {
		w := newNamedWorld(t)
		w.fail[step] = errRefused
		err := w.bind(t.Context(), keepsNames)
		require.ErrorIs(t, err, errRefused, step)
		assert.Equal(t, formerEnv(), w.env(), step)
		w.assertNoFormer(err)
		require.NoError(t, w.bind(t.Context(), keepsNames), step)
		w.assertNamed(nil)
	}
}

func TestNamesFromWorkload_ChangedMeanwhile(t *testing.T) {
	w := newNamedWorld(t)
	w.before["patch"] = func() { w.env()[3].Value = "other-other" }
	require.NoError(t, w.bind(t.Context(), keepsNames))
	w.assertNamed(nil)
	want := formerEnv()
	want[3].Value = "other-other"
	assert.Equal(t, want, w.restored(), "the Secret has what was there at last")
}

func TestNamesFromWorkload_RefusesWhatIsUnclear(t *testing.T) {
	for name, test := range map[string]struct {
		env  []corev1.EnvVar
		want string
	}{
		"no variables":     {nil, "no variable names a host of this server"},
		"another database": {[]corev1.EnvVar{{Name: "DATABASE_URL", Value: "postgres://boss:" + formerPassword + "@svc/shop"}}, `in database "postgres" (--dbname)`},
		"no password":      {formerEnv()[:3], "no variable next to it has the password"},
		"set twice":        {append(formerEnv(), formerEnv()[3]), "sets DB_PASSWORD twice"},
	} {
		w := newNamedWorld(t)
		w.workloads["web"].Template().Spec.Containers[0].Env = test.env
		err := w.bind(t.Context(), keepsNames)
		require.ErrorContains(t, err, test.want, name)
		assert.Nil(t, w.secret(), name)
		w.assertNoFormer(err)
	}
	w := newNamedWorld(t)
	w.unread = errRefused
	w.workloads["web"].Template().Spec.Containers[0].Env = nil
	require.ErrorIs(t, w.bind(t.Context(), keepsNames), errRefused, "why an object is not read")
}

func TestNamesFromWorkload_DryRunShowsNoValues(t *testing.T) {
	for _, strategy := range []cmdutil.DryRunStrategy{cmdutil.DryRunClient, cmdutil.DryRunServer} {
		w := newNamedWorld(t)
		w.workloads["web"].SetAnnotation(corev1.LastAppliedConfigAnnotation, `{"password": "last-applied"}`)
		require.NoError(t, w.bind(t.Context(), keepsNames, func(i *Item) { i.Options.DryRun, i.Options.Force = strategy, true }))
		assert.Equal(t, formerEnv(), w.env())
		require.Len(t, w.Shown, 1)
		assert.Contains(t, w.Shown[0], "DB_PASSWORD")
		for _, value := range []string{formerPassword, "boss", "green", "last-applied"} {
			assert.NotContains(t, w.Shown[0], value)
		}
		w.assertNoPassword(nil)
	}
}

func TestNamesFromWorkload_OfAManifest(t *testing.T) {
	managed := func(t *testing.T) *world {
		t.Helper()
		w := newNamedWorld(t)
		object, _ := w.workloads["web"].Object().(metav1.Object)
		const fields = `{"f:spec":{"f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"app\"}":{"f:env":{"k:{\"name\":\"DB_USER\"}":{}}}}}}}}`
		object.SetManagedFields([]metav1.ManagedFieldsEntry{
			{Manager: "helm", Operation: metav1.ManagedFieldsOperationApply, FieldsV1: metav1.NewFieldsV1(fields)},
		})
		return w
	}
	w := managed(t)
	err := w.bind(t.Context(), keepsNames)
	require.ErrorContains(t, err, "helm sets variables of deployment.apps/web itself")
	require.ErrorContains(t, err, "--inject none")
	require.Len(t, w.Shown, 1)
	assert.Contains(t, w.Shown[0], "secretKeyRef")
	assert.Contains(t, w.Shown[0], "name: DB_PASSWORD")
	assert.Nil(t, w.secret())
	w.assertNoFormer(err)

	err = w.bind(t.Context(), keepsNames, handingOver)
	require.ErrorContains(t, err, "use --force, and put the patch above into its manifest")
	assert.NotContains(t, err.Error(), "--inject", "takeover has no such flag")

	require.NoError(t, w.bind(t.Context(), keepsNames, func(i *Item) { i.Spec.Inject = "none" }))
	assert.Equal(t, formerEnv(), w.env())
	assert.NotContains(t, w.secret().Data, ".pgbind-former", "the manifest has them")
	w.assertNoFormer(nil)

	w = managed(t)
	require.NoError(t, w.bind(t.Context(), keepsNames, func(i *Item) { i.Options.Force = true }))
	w.assertNamed(nil)
}

func TestNamesFromWorkload_AreOfferedOnATerminal(t *testing.T) {
	var asked []string
	answer := func(yes bool) func(*Item) {
		return func(i *Item) {
			i.Options.Confirm = func(_ context.Context, question string) (bool, error) {
				asked = append(asked, question)
				return yes, nil
			}
		}
	}
	w := newNamedWorld(t)
	require.NoError(t, w.bind(t.Context(), answer(true)))
	w.assertNamed(nil)
	require.Len(t, asked, 1)
	assert.Contains(t, asked[0], "DATABASE_URL, DB_HOST, DB_NAME, DB_PASSWORD, DB_USER")
	assert.NotContains(t, asked[0], formerPassword)
	require.NoError(t, w.bind(t.Context(), answer(true)))
	assert.Equal(t, "deployment.apps/web unchanged", w.Results[1])
	assert.Len(t, asked, 1, "it is bound already")

	w = newNamedWorld(t)
	require.NoError(t, w.bind(t.Context(), answer(false)))
	w.assertBound()
	assert.Equal(t, formerEnv(), w.env())
	assert.Len(t, asked, 2)

	for _, decided := range []func(*Item){
		func(i *Item) { i.Spec.Presets = []string{"libpq"} }, func(i *Item) { i.Spec.Inject = "none" },
		func(i *Item) { i.Spec.Env = map[string]string{"A": "{{.Host}}"} }, func(i *Item) { i.Workload.Template().Spec.Containers[0].Env = nil },
	} {
		require.NoError(t, newNamedWorld(t).bind(t.Context(), answer(true), decided))
	}
	assert.Len(t, asked, 2, "something else decides")
}
