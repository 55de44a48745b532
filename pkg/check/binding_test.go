package check

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/apis/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/credentials"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// healthy returns the facts of a binding with nothing wrong.
func healthy() *facts {
	marks := credentials.Marks{
		ID: "abc", Workload: "deployment.apps/web", Database: "shop", Postgres: "pod/pg-0", PostgresNamespace: "data",
		Access: "readonly", Role: "pgb_abc_1", Generation: 1,
	}
	b := &inventory.Binding{
		Namespace: "ns", SecretName: "s", Marks: marks, Secret: inventory.Present, Workload: inventory.Present,
		Noted: &credentials.Annotation{ID: "abc", Role: "pgb_abc_1", Database: "shop", Generation: 1},
	}
	return &facts{
		now: noon, binding: b, credentials: credentials.Credentials{Host: "pg.data.svc", Username: "pgb_abc_1", Password: "p"}, complete: true,
		referenced: true, namespaceUID: "uid",
		role: &postgres.MarkedRole{
			Name: "pgb_abc_1", Marked: true, CanLogin: true, MemberOf: []string{b.AccessRole().Role()},
			Owner: postgres.Owner{ID: "abc", Namespace: "ns", NamespaceUID: "uid"},
		},
		answer: postgres.Answer{Answered: true, Login: postgres.LoginAnswer{Tried: true, Reached: "pg.data.svc", User: "pgb_abc_1", Method: "scram-sha-256:x"}},
	}
}

func TestCheckBinding(t *testing.T) {
	const again = "kubectl pgbind deployment.apps/web --postgres pod/pg-0 --postgres-namespace data --dbname shop --access readonly -n ns"
	const admin = "kubectl pgbind psql --admin --postgres pod/pg-0 --postgres-namespace data --dbname shop -n ns -- -c "
	refused := errors.New("forbidden:\nno")
	tests := map[string]struct {
		change  func(f *facts)
		reason  Reason
		message string
		fix     string
	}{
		"healthy binding":         {func(*facts) {}, OK, "the login works", ""},
		"wrong password":          {func(f *facts) { f.answer.Login = postgres.LoginAnswer{Tried: true, Failure: "FATAL: no"} }, LoginFailed, "FATAL: no", again},
		"NOLOGIN role":            {func(f *facts) { f.role.CanLogin = false }, LoginFailed, "cannot log in", again},
		"missing role":            {func(f *facts) { f.role, f.answer = nil, postgres.Answer{} }, NoRole, "does not exist", again},
		"role of another binding": {func(f *facts) { f.role.Owner.ID = "other" }, ForeignRole, "does not name", admin + `'\du+ "pgb_abc_1"'`},
		"role of another ns":      {func(f *facts) { f.role.Owner.Namespace = "other" }, ForeignRole, "does not name", admin + `'\du+ "pgb_abc_1"'`},
		"role of an earlier ns":   {func(f *facts) { f.role.Owner.NamespaceUID = "other" }, ForeignRole, "does not name", admin + `'\du+ "pgb_abc_1"'`},
		"role without metadata":   {func(f *facts) { f.role.Marked = false }, ForeignRole, "does not name", admin + `'\du+ "pgb_abc_1"'`},
		"superuser":               {func(f *facts) { f.role.Privileged = true }, ForeignRole, "no binding grants", admin + `'\du+ "pgb_abc_1"'`},
		"missing Secret":          {func(f *facts) { f.binding.Secret = inventory.Absent }, NoSecret, "secret/s, which does not exist", again},
		"unreadable Secret":       {func(f *facts) { f.secretErr = refused }, Unknown, "cannot be read: forbidden: no", "kubectl auth can-i get secrets -n ns"},
		"Secret without keys":     {func(f *facts) { f.complete = false }, BadSecret, "missing a key", "kubectl delete secret s -n ns && " + again},
		"other user in Secret":    {func(f *facts) { f.credentials.Username = "x" }, BadSecret, `"x"`, "kubectl delete secret s -n ns && " + again},
		"missing reference":       {func(f *facts) { f.referenced = false }, Unreferenced, "does not use secret/s", again},
		"missing annotation":      {func(f *facts) { f.binding.Noted = nil }, Unreferenced, "does not use secret/s", again},
		"other generation":        {func(f *facts) { f.binding.Noted.Generation = 2 }, Mismatch, "annotation", again},
		"unreadable workload":     {func(f *facts) { f.workloadErr = refused }, Unknown, "workload cannot be read", "kubectl auth can-i get deployment.apps/web -n ns"},
		"unlisted workload":       {func(f *facts) { f.binding.Workload = inventory.Unread }, Unknown, "workload cannot be read", "kubectl auth can-i get deployment.apps/web -n ns"},
		"stale Pods":              {func(f *facts) { f.stalePods = []string{"a", "b"} }, StalePods, "a, b", "kubectl rollout restart deployment.apps/web -n ns"},
		"missing privileges":      {func(f *facts) { f.answer.Lacks = []string{"SELECT on table t"} }, Lacks, "SELECT on table t", again},
		"excessive privileges":    {func(f *facts) { f.answer.Exceeds = []string{"REVOKE A ON B FROM C"} }, Exceeds, "readonly", admin + "'REVOKE A ON B FROM C'"},
		"missing membership":      {func(f *facts) { f.role.MemberOf = nil }, Lacks, "not a member", again},
		"other membership":        {func(f *facts) { f.role.MemberOf = append(f.role.MemberOf, `a"b`) }, Exceeds, "also a member", admin + `'REVOKE "a""b" FROM "pgb_abc_1"'`},
		"login as other role":     {func(f *facts) { f.answer.Login.User = "x" }, Mismatch, "acts as", again},
		"trust":                   {func(f *facts) { f.answer.Login.Method = "trust" }, NotVerified, "asks for no password", admin + "'SELECT * FROM pg_catalog.pg_hba_file_rules'"},
		"trust shown by a login":  {func(f *facts) { f.answer.Login.Method, f.trust = "", true }, NotVerified, "asks for no password", admin + "'SELECT * FROM pg_catalog.pg_hba_file_rules'"},
		"unreachable host":        {func(f *facts) { f.answer.Login.Reached = "10.0.0.1" }, NotVerified, "10.0.0.1", ""},
		"unreachable server":      {func(f *facts) { f.serverErr = refused }, Unknown, "cannot be queried: forbidden: no", ""},
		"missing workload":        {func(f *facts) { f.binding.Workload = inventory.Absent }, OrphanedSecret, "does not exist", "kubectl pgbind prune -n ns"},
		"expired role":            {func(f *facts) { f.role.Expired, f.role.ValidUntil = true, noon }, Expired, "2026-01-02T12:00:00Z", "kubectl pgbind prune -n ns"},
		"expiry in Secret only":   {func(f *facts) { f.binding.Marks.Expires = noon }, Mismatch, "role never", again},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			f := healthy()
			test.change(f)
			found := f.check()
			require.Len(t, found, 1)
			assert.Equal(t, test.reason, found[0].Reason)
			assert.Contains(t, found[0].Message, test.message)
			assert.Equal(t, test.fix, found[0].Fix)
			assert.NotContains(t, found[0].Message, "\n")
			assert.Equal(t, test.reason == OK, Findings(found).Healthy())
		})
	}
}

func TestFix_RepeatsChoices(t *testing.T) {
	f := healthy()
	f.answer.Lacks = []string{"SELECT on table t"}
	f.binding.Marks.Choices = v1alpha1.Choices{
		Sources: v1alpha1.Sources{AdminPasswordFrom: "secret/admin:password", CAFrom: "secret/tls:ca.crt"}, PostgresContainer: "db", AdminUser: "boss",
		Host: "pooler", Port: 6432, ClusterDomain: "example.org", RevokePublic: true, Keys: []string{"uri", "servicebinding"},
		Inject: "env", Containers: []string{"web", "init db"}, EnvPrefix: "DB_", SSLMode: "verify-full",
	}
	assert.Equal(t, "kubectl pgbind deployment.apps/web --postgres pod/pg-0 --postgres-namespace data --dbname shop --access readonly "+
		"--postgres-container db --admin-user boss --admin-password-from secret/admin:password --host pooler --port 6432 --cluster-domain example.org "+
		"--key uri,servicebinding --sslmode verify-full --ca-from secret/tls:ca.crt --inject env --container 'web,init db' --env-prefix DB_ --revoke-public -n ns",
		f.check()[0].Fix)
}

func TestCheckBinding_ExpectsAccessRoleAtLevelAll(t *testing.T) {
	f := healthy()
	f.binding.Marks.Access = "all"
	f.role.MemberOf = []string{f.binding.AccessRole().Role()}
	assert.Equal(t, Mismatch, f.check()[0].Reason)
	f.answer.Login.User = f.binding.AccessRole().Role()
	assert.Equal(t, OK, f.check()[0].Reason)
}

func TestWorstFirst_HasEveryReason(t *testing.T) {
	order := worstFirst()
	assert.Equal(t, LoginFailed, order[0])
	assert.Equal(t, OK, order[len(order)-1])
	found := sorted([]Finding{{Reason: OK}, {Reason: Unknown}, {Reason: Expired, Secret: "b"}, {Reason: Expired, Secret: "a"}, {Reason: LoginFailed}})
	assert.Equal(t, []Finding{{Reason: LoginFailed}, {Reason: Expired, Secret: "a"}, {Reason: Expired, Secret: "b"}, {Reason: Unknown}, {Reason: OK}}, found)
}

func TestShell_Quotes(t *testing.T) {
	assert.Equal(t, `kubectl 'a b' 'it'\''s' pod/x`, shell("kubectl", "a b", "it's", "pod/x"))
	assert.Equal(t, `''`, shell(""))
}
