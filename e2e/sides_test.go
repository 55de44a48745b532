//go:build e2e

package e2e

import (
	"regexp"
	"slices"
	"strings"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
)

// goDump is what a printed Go value looks like.
var goDump = regexp.MustCompile(`&\w*\{|map\[|0xc0|%!|\{"kind"|<nil>|goroutine `)

// state is the state of a workload's binding on all three sides, without names that differ from workload to workload.
type state struct {
	References []corev1.EnvFromSource
	Notes      int
	Secrets    []string // their names and keys
	Role       string   // attributes and memberships
	LogsIn     bool
}

// sides are the three sides of all bindings, read at one time.
type sides struct {
	workloads map[string]appsv1.Deployment
	secrets   map[string][]corev1.Secret // by workload
	roles     map[string]string          // attributes of each login role, by name
	logins    map[string]bool            // whether the server accepts the Secret's password, by role
}

// sides reads everything in a few requests.
func (f *fixture) sides() *sides {
	f.t.Helper()
	s := &sides{
		workloads: map[string]appsv1.Deployment{},
		secrets:   map[string][]corev1.Secret{},
		roles:     f.loginsOnly(),
		logins:    map[string]bool{},
	}
	deployments, err := f.Client.AppsV1().Deployments(f.Name).List(f.ctx, metav1.ListOptions{})
	require.NoError(f.t, err)
	for _, d := range deployments.Items {
		s.workloads[d.Name] = d
	}
	secrets, err := f.Client.CoreV1().Secrets(f.Name).List(
		f.ctx,
		metav1.ListOptions{LabelSelector: "app.kubernetes.io/managed-by=kubectl-pgbind"},
	)
	require.NoError(f.t, err)
	var logins []harness.Login
	for _, secret := range secrets.Items {
		_, workload, _ := strings.Cut(f.metadata(&secret).Spec.Workload, "/")
		s.secrets[workload] = append(s.secrets[workload], secret)
		value := func(key string) string { return string(secret.Data[key]) }
		logins = append(
			logins,
			harness.Login{Host: value("POSTGRES_HOST"), Username: value("POSTGRES_USERNAME"), Password: value("POSTGRES_PASSWORD")},
		)
	}
	users, err := f.LogsIn(f.ctx, logins)
	require.NoError(f.t, err)
	for _, user := range users {
		s.logins[user] = true
	}
	return s
}

// loginRoles is every role that is neither PostgreSQL's own nor an access role.
func (f *fixture) loginsOnly() map[string]string {
	f.t.Helper()
	rows := f.admin(`SELECT r.rolname, r.rolcanlogin, r.rolsuper OR r.rolcreaterole OR r.rolcreatedb,
		(SELECT string_agg(m.roleid::regrole::text, ',') FROM pg_auth_members m WHERE m.member = r.oid),
		shobj_description(r.oid, 'pg_authid') LIKE 'pgbind/v1 id=' || substr(r.rolname, 5, 12) || ' namespace=` + f.Name + ` uid=%'
		FROM pg_roles r WHERE r.oid >= 16384 AND r.rolname NOT LIKE 'pgbind\_%'`)
	roles := map[string]string{}
	for _, row := range strings.Fields(rows) {
		name, may, _ := strings.Cut(row, "|")
		roles[name] = may
	}
	return roles
}

// of returns the state of one workload's binding.
func (s *sides) of(workload string) state {
	d, found := s.workloads[workload], state{}
	for _, reference := range d.Spec.Template.Spec.Containers[0].EnvFrom {
		reference.SecretRef.Name = strings.ReplaceAll(reference.SecretRef.Name, workload, "NAME")
		found.References = append(found.References, reference)
	}
	for key := range d.Annotations {
		if strings.Contains(key, "pgbind.dev/") {
			found.Notes++
		}
	}
	for _, secret := range s.secrets[workload] {
		found.Secrets = append(found.Secrets, strings.ReplaceAll(secret.Name, workload, "NAME")+": "+strings.Join(keys(&secret), ", "))
		user := secret.Data["POSTGRES_USERNAME"]
		found.Role, found.LogsIn = s.roles[string(user)], s.logins[string(user)]
	}
	slices.Sort(found.Secrets)
	return found
}
