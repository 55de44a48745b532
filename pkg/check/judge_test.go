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

// healthy is what is read about a binding with which nothing is wrong.
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

func TestJudge(t *testing.T) {
	const again = "kubectl pgbind deployment.apps/web --postgres pod/pg-0 --postgres-namespace data --dbname shop --access readonly -n ns"
	const admin = "kubectl pgbind psql --admin --postgres pod/pg-0 --postgres-namespace data --dbname shop -n ns -- -c "
	refused := errors.New("forbidden:\nno")
	tests := map[string]struct {
		change  func(f *facts)
		reason  Reason
		message string
		mend    string
	}{
		"nothing":                   {func(*facts) {}, OK, "the login works", ""},
		"the password":              {func(f *facts) { f.answer.Login = postgres.LoginAnswer{Tried: true, Failure: "FATAL: no"} }, LoginFailed, "FATAL: no", again},
		"no login":                  {func(f *facts) { f.role.CanLogin = false }, LoginFailed, "may not log in", again},
		"no role":                   {func(f *facts) { f.role, f.answer = nil, postgres.Answer{} }, NoRole, "is gone", again},
		"another's role":            {func(f *facts) { f.role.Owner.ID = "other" }, ForeignRole, "mark", admin + `'\du+ "pgb_abc_1"'`},
		"another namespace's role":  {func(f *facts) { f.role.Owner.Namespace = "other" }, ForeignRole, "mark", admin + `'\du+ "pgb_abc_1"'`},
		"an earlier namespace's":    {func(f *facts) { f.role.Owner.NamespaceUID = "other" }, ForeignRole, "mark", admin + `'\du+ "pgb_abc_1"'`},
		"an unmarked role":          {func(f *facts) { f.role.Marked = false }, ForeignRole, "mark", admin + `'\du+ "pgb_abc_1"'`},
		"a superuser":               {func(f *facts) { f.role.Privileged = true }, ForeignRole, "may more", admin + `'\du+ "pgb_abc_1"'`},
		"no Secret":                 {func(f *facts) { f.binding.Secret = inventory.Absent }, NoSecret, "secret/s, which is gone", again},
		"an unreadable Secret":      {func(f *facts) { f.secretErr = refused }, Unknown, "cannot be read: forbidden: no", "kubectl auth can-i get secrets -n ns"},
		"a Secret without keys":     {func(f *facts) { f.complete = false }, BadSecret, "lacks a key", "kubectl delete secret s -n ns && " + again},
		"a Secret's other user":     {func(f *facts) { f.credentials.Username = "x" }, BadSecret, `"x"`, "kubectl delete secret s -n ns && " + again},
		"no reference":              {func(f *facts) { f.referenced = false }, Unreferenced, "does not use secret/s", again},
		"no note":                   {func(f *facts) { f.binding.Noted = nil }, Unreferenced, "does not use secret/s", again},
		"another note":              {func(f *facts) { f.binding.Noted.Generation = 2 }, Disagrees, "annotation", again},
		"an unreadable workload":    {func(f *facts) { f.workloadErr = refused }, Unknown, "workload cannot be read", "kubectl auth can-i get deployment.apps/web -n ns"},
		"an unlisted workload":      {func(f *facts) { f.binding.Workload = inventory.Unread }, Unknown, "workload cannot be read", "kubectl auth can-i get deployment.apps/web -n ns"},
		"old Pods":                  {func(f *facts) { f.stalePods = []string{"a", "b"} }, StalePods, "a, b", "kubectl rollout restart deployment.apps/web -n ns"},
		"less than the level":       {func(f *facts) { f.answer.Lacks = []string{"SELECT on table t"} }, Lacks, "SELECT on table t", again},
		"more than the level":       {func(f *facts) { f.answer.Exceeds = []string{"REVOKE A ON B FROM C"} }, Exceeds, "readonly", admin + "'REVOKE A ON B FROM C'"},
		"no membership":             {func(f *facts) { f.role.MemberOf = nil }, Lacks, "no member", again},
		"another membership":        {func(f *facts) { f.role.MemberOf = append(f.role.MemberOf, `a"b`) }, Exceeds, "also a member", admin + `'REVOKE "a""b" FROM "pgb_abc_1"'`},
		"the login's other role":    {func(f *facts) { f.answer.Login.User = "x" }, Disagrees, "acts as", again},
		"trust":                     {func(f *facts) { f.answer.Login.Method = "trust" }, NotVerified, "asks for no password", admin + "'SELECT * FROM pg_catalog.pg_hba_file_rules'"},
		"trust shown by a proof":    {func(f *facts) { f.answer.Login.Method, f.trust = "", true }, NotVerified, "asks for no password", admin + "'SELECT * FROM pg_catalog.pg_hba_file_rules'"},
		"a host that is not there":  {func(f *facts) { f.answer.Login.Reached = "10.0.0.1" }, NotVerified, "10.0.0.1", ""},
		"an unreachable server":     {func(f *facts) { f.serverErr = refused }, Unknown, "cannot be asked: forbidden: no", ""},
		"the workload is gone":      {func(f *facts) { f.binding.Workload = inventory.Absent }, OrphanedSecret, "is gone", "kubectl pgbind prune -n ns"},
		"the role's time is over":   {func(f *facts) { f.role.Expired, f.role.ValidUntil = true, noon }, Expired, "2026-01-02T12:00:00Z", "kubectl pgbind prune -n ns"},
		"only the mark has expired": {func(f *facts) { f.binding.Marks.Expires = noon }, Disagrees, "the role never", again},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			f := healthy()
			test.change(f)
			found := f.judge()
			require.Len(t, found, 1)
			assert.Equal(t, test.reason, found[0].Reason)
			assert.Contains(t, found[0].Message, test.message)
			assert.Equal(t, test.mend, found[0].Mend)
			assert.NotContains(t, found[0].Message, "\n")
			assert.Equal(t, test.reason == OK, Findings(found).Healthy())
		})
	}
}

func TestAMendRepeatsWhatWasChosen(t *testing.T) {
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
		f.judge()[0].Mend)
}

func TestLevelAllActsAsTheAccessRole(t *testing.T) {
	f := healthy()
	f.binding.Marks.Access = "all"
	f.role.MemberOf = []string{f.binding.AccessRole().Role()}
	assert.Equal(t, Disagrees, f.judge()[0].Reason)
	f.answer.Login.User = f.binding.AccessRole().Role()
	assert.Equal(t, OK, f.judge()[0].Reason)
}

func TestEveryReasonHasItsPlace(t *testing.T) {
	order := worstFirst()
	assert.Equal(t, LoginFailed, order[0])
	assert.Equal(t, OK, order[len(order)-1])
	found := sorted([]Finding{{Reason: OK}, {Reason: Unknown}, {Reason: Expired, Secret: "b"}, {Reason: Expired, Secret: "a"}, {Reason: LoginFailed}})
	assert.Equal(t, []Finding{{Reason: LoginFailed}, {Reason: Expired, Secret: "a"}, {Reason: Expired, Secret: "b"}, {Reason: Unknown}, {Reason: OK}}, found)
}

func TestShellQuotes(t *testing.T) {
	assert.Equal(t, `kubectl 'a b' 'it'\''s' pod/x`, shell("kubectl", "a b", "it's", "pod/x"))
	assert.Equal(t, `''`, shell(""))
}
