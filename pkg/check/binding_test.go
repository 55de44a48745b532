package check

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/report"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// healthy returns the facts of a binding with nothing wrong.
func healthy() *facts {
	marks := secret.Marks{
		BindingSpec: v1alpha1.BindingSpec{
			Workload: "deployment.apps/web", DBName: "shop", Postgres: "pod/pg-0", PostgresNamespace: "data", Access: "readonly",
		},
		BindingStatus: v1alpha1.BindingStatus{ID: "abc", Role: "pgb_abc_1", Generation: 1},
	}
	note := marks.Note()
	b := &inventory.Entry{
		Namespace: "ns", SecretName: "s", Marks: marks, Secret: inventory.Present, Workload: inventory.Present,
		Noted: &note,
	}
	return &facts{
		now:          noon,
		binding:      b,
		credentials:  secret.Credentials{Host: "pg.data.svc", Username: "pgb_abc_1", Password: "p"},
		complete:     true,
		referenced:   true,
		namespaceUID: "uid",
		pods:         workload.Followed,
		named:        "data",
		role: &postgres.MarkedRole{
			Name: "pgb_abc_1", Marked: true, CanLogin: true, MemberOf: []string{b.AccessRole().Role()},
			Owner: postgres.Owner{ID: "abc", Namespace: "ns", NamespaceUID: "uid"},
		},
		answer: postgres.Answer{
			Login: postgres.LoginAnswer{Tried: true, Reached: "pg.data.svc", User: "pgb_abc_1", Method: "scram-sha-256:x"},
		},
	}
}

func TestCheckBinding(t *testing.T) {
	const again = "kubectl pgbind deployment.apps/web --postgres pod/pg-0 --postgres-namespace data --dbname shop --access readonly -n ns"
	const admin = "kubectl pgbind psql --admin --postgres pod/pg-0 --postgres-namespace data --dbname shop -n ns -- -c "
	inEnv := strings.TrimSuffix(again, "-n ns") + "--inject env -n ns"
	hidden := func(by string) []workload.Hidden {
		return []workload.Hidden{{Container: "app", Variable: "POSTGRES_HOST", By: by}}
	}
	refused := errors.New("forbidden:\nno")
	tests := map[string]struct {
		change  func(f *facts)
		reason  Reason
		message string
		fix     string
	}{
		"healthy binding": {func(*facts) {}, OK, "the login works", ""},
		"wrong password": {
			func(f *facts) { f.answer.Login = postgres.LoginAnswer{Tried: true, Failure: "FATAL: no"} },
			LoginFailed,
			"FATAL: no",
			again,
		},
		"NOLOGIN role": {func(f *facts) { f.role.CanLogin = false }, LoginFailed, "cannot log in", again},
		"missing role": {func(f *facts) { f.role, f.answer = nil, postgres.Answer{} }, NoRole, "does not exist", again},
		"role of another binding": {
			func(f *facts) { f.role.Owner.ID = "other" },
			ForeignRole,
			"does not name",
			admin + `'\du+ "pgb_abc_1"'`,
		},
		"role of another ns": {
			func(f *facts) { f.role.Owner.Namespace = "other" },
			ForeignRole,
			"does not name",
			admin + `'\du+ "pgb_abc_1"'`,
		},
		"role of an earlier ns": {
			func(f *facts) { f.role.Owner.NamespaceUID = "other" },
			ForeignRole,
			"does not name",
			admin + `'\du+ "pgb_abc_1"'`,
		},
		"role without metadata": {func(f *facts) { f.role.Marked = false }, ForeignRole, "does not name", admin + `'\du+ "pgb_abc_1"'`},
		"superuser": {
			func(f *facts) { f.role.Privileged = true },
			ForeignRole,
			"no binding grants",
			admin + `'\du+ "pgb_abc_1"'`,
		},
		"missing Secret": {
			func(f *facts) { f.binding.Secret = inventory.Absent },
			NoSecret,
			"secret/s, which does not exist",
			again,
		},
		"unreadable Secret": {
			func(f *facts) { f.secretErr = refused },
			Unknown,
			"cannot be read: forbidden: no",
			"kubectl auth can-i get secrets -n ns",
		},
		"Secret without keys": {
			func(f *facts) { f.complete = false },
			BadSecret,
			"missing a key",
			"kubectl delete secret s -n ns && " + again,
		},
		"other user in Secret": {
			func(f *facts) { f.credentials.Username = "x" },
			BadSecret,
			`"x"`,
			"kubectl delete secret s -n ns && " + again,
		},
		"missing reference": {func(f *facts) { f.referenced = false }, Unreferenced, "does not use secret/s", again},
		"removed by a manifest": {
			func(f *facts) { f.referenced, f.managedBy = false, "helm" },
			Unreferenced,
			"does not use secret/s",
			inEnv,
		},
		"missing annotation": {func(f *facts) { f.binding.Noted = nil }, OK, "the login works", ""},
		"annotation from Git": {
			func(f *facts) { f.binding.Noted.Generation, f.binding.Noted.Role = 2, "pgb_abc_2" },
			OK,
			"the login works",
			"",
		},
		"other binding's note": {func(f *facts) { f.binding.Noted.ID = "other" }, Mismatch, "annotation", again},
		"hidden by env": {
			func(f *facts) { f.hidden = hidden("env") },
			Hidden,
			"container app gets POSTGRES_HOST from env",
			"kubectl set env deployment.apps/web -c app -n ns POSTGRES_HOST-",
		},
		"hidden by a ConfigMap": {
			func(f *facts) { f.hidden = hidden("configmap/c") },
			Hidden,
			"from configmap/c",
			"kubectl edit deployment.apps/web -n ns",
		},
		"kubectl apply removes": {
			func(f *facts) { f.removedBy, f.managedBy = "kubectl apply", "kubectl apply" },
			NotLasting,
			"kubectl apply removes",
			inEnv,
		},
		"Flux removes": {func(f *facts) { f.removedBy = "Flux" }, NotLasting, "Flux removes the reference", again},
		"unreadable workload": {
			func(f *facts) { f.workloadErr = refused },
			Unknown,
			"workload cannot be read",
			"kubectl auth can-i get deployment.apps/web -n ns",
		},
		"unlisted workload": {
			func(f *facts) { f.binding.Workload = inventory.Unread },
			Unknown,
			"workload cannot be read",
			"kubectl auth can-i get deployment.apps/web -n ns",
		},
		"stale Pods": {
			func(f *facts) { f.stalePods = []string{"a", "b"} },
			StalePods,
			"a, b",
			"kubectl rollout restart deployment.apps/web -n ns",
		},
		"missing privileges": {func(f *facts) { f.answer.Lacks = []string{"SELECT on table t"} }, Lacks, "SELECT on table t", again},
		"missing database": {
			func(f *facts) { f.noDatabase, f.answer = true, postgres.Answer{} },
			NoDatabase,
			`database "shop" does not exist`,
			strings.TrimSuffix(again, "-n ns") + "--create-database -n ns",
		},
		"missing schema": {func(f *facts) { f.answer.NoSchemas = []string{"app"} }, NoSchema, `schema "app" does not exist`,
			admin + `'CREATE SCHEMA "app"' && ` + again},
		"missing extension": {
			func(f *facts) { f.answer.NoExtensions = []string{"citext"} },
			NoExtension,
			`extension "citext" does not exist`,
			again,
		},
		"excessive privileges": {
			func(f *facts) { f.answer.Exceeds = []string{"REVOKE A ON B FROM C"} },
			Exceeds,
			"readonly",
			admin + "'REVOKE A ON B FROM C'",
		},
		"missing membership": {func(f *facts) { f.role.MemberOf = nil }, Lacks, "not a member", again},
		"other membership": {
			func(f *facts) { f.role.MemberOf = append(f.role.MemberOf, `a"b`) },
			Exceeds,
			"also a member",
			admin + `'REVOKE "a""b" FROM "pgb_abc_1"'`,
		},
		"login as other role": {func(f *facts) { f.answer.Login.User = "x" }, Mismatch, "acts as", again},
		"trust": {
			func(f *facts) { f.answer.Login.Method = "trust" },
			NotVerified,
			"asks for no password",
			admin + "'SELECT * FROM pg_catalog.pg_hba_file_rules'",
		},
		"trust shown by a login": {
			func(f *facts) { f.answer.Login.Method, f.trust = "", true },
			NotVerified,
			"asks for no password",
			admin + "'SELECT * FROM pg_catalog.pg_hba_file_rules'",
		},
		"unreachable host":   {func(f *facts) { f.answer.Login.Reached = "10.0.0.1" }, NotVerified, "10.0.0.1", ""},
		"unreachable server": {func(f *facts) { f.serverErr = refused }, Unknown, "cannot be queried: forbidden: no", ""},
		"missing workload": {
			func(f *facts) { f.binding.Workload = inventory.Absent },
			OrphanedSecret,
			"does not exist",
			"kubectl pgbind prune -n ns",
		},
		"recreated workload": {
			func(f *facts) { f.binding.Workload, f.binding.Recreated = inventory.Absent, true },
			Recreated,
			"was deleted and created again",
			strings.Replace(again, "deployment.apps/web", "deployment.apps/web --secret s", 1),
		},
		"expired role": {
			func(f *facts) { f.role.Expired, f.role.ValidUntil = true, noon },
			Expired,
			"2026-01-02T12:00:00Z",
			"kubectl pgbind prune -n ns",
		},
		"expiry in Secret only": {
			func(f *facts) { f.binding.Marks.BindingStatus.Expires = &metav1.Time{Time: noon} },
			Mismatch,
			"role never",
			admin + `'ALTER ROLE "pgb_abc_1" VALID UNTIL '\''2026-01-02T12:00:00Z'\'''`,
		},
		"later expiry in Secret": {
			func(f *facts) { f.binding.Marks.BindingStatus.Expires = &metav1.Time{Time: noon.Add(time.Hour)} },
			Mismatch,
			"role never",
			strings.TrimSuffix(again, "-n ns") + "--expires 2026-01-02T13:00:00Z -n ns",
		},
		"expiry of the role only": {func(f *facts) { f.role.ValidUntil = noon.Add(time.Hour) }, Mismatch, "Secret never",
			admin + `'ALTER ROLE "pgb_abc_1" VALID UNTIL '\''infinity'\'''`},
		"stale Pods of a kind that does not replace them": {
			func(f *facts) { f.stalePods, f.pods = []string{"a", "b"}, workload.ReplacePods },
			StalePods,
			"a, b",
			"kubectl delete pod a b -n ns",
		},
		"stale Pods of a Rollout": {
			func(f *facts) {
				f.stalePods, f.pods, f.binding.Marks.Workload = []string{"a"}, workload.Followed, "rollout.argoproj.io/web"
			},
			StalePods,
			"a",
			"kubectl delete pod a -n ns",
		},
		"stale Pods of a Rollout that is not complete": {
			func(f *facts) {
				f.stalePods, f.pods, f.binding.Marks.Workload = []string{"a"}, workload.Followed, "rollout.argoproj.io/web"
				f.rollout = "kubectl argo rollouts status web -n ns"
			},
			StalePods,
			"a",
			"kubectl argo rollouts status web -n ns",
		},
		"stale Pods of a Deployment whose new Pods are not ready": {
			func(f *facts) {
				f.stalePods, f.rollout = []string{"a"}, "kubectl rollout status deployment.apps/web -n ns"
			},
			StalePods,
			"a",
			"kubectl rollout status deployment.apps/web -n ns",
		},
		"stale Pods of a paused Deployment": {
			func(f *facts) {
				f.stalePods, f.pods, f.paused = []string{"a"}, workload.Paused, "deployment.apps/web is paused"
			},
			StalePods,
			"a; deployment.apps/web is paused",
			"",
		},
		"stale bare Pod": {func(f *facts) { f.stalePods, f.isPod = []string{"a"}, true }, StalePods, "a",
			"kubectl get deployment.apps/web -n ns -o yaml | kubectl replace --force -f -"},
		"stale Pods of a run": {func(f *facts) { f.stalePods, f.pods = []string{"a"}, workload.NextRun }, StalePods, "a", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			f := healthy()
			test.change(f)
			found := f.check()
			require.Len(t, found, 1)
			assert.Equal(t, test.reason, found[0].Reason)
			assert.Contains(t, found[0].Message, test.message)
			assert.Equal(t, test.fix, found[0].Fix.Command)
			assert.NotContains(t, found[0].Message, "\n")
			assert.Equal(t, test.reason == OK, Findings(found).Healthy())
		})
	}
}

func TestFix_RepeatsTheSpec(t *testing.T) {
	f := healthy()
	f.answer.Lacks = []string{"SELECT on table t"}
	spec := &f.binding.Marks.BindingSpec
	spec.AdminPasswordFrom, spec.CAFrom, spec.PostgresContainer, spec.AdminUser = "secret/admin:password", "secret/tls:ca.crt", "db", "boss"
	spec.Host, spec.Port, spec.ClusterDomain, spec.Keys = "pooler", 6432, "example.org", []string{"uri", "servicebinding"}
	spec.Inject, spec.Containers, spec.EnvPrefix, spec.SSLMode = "env", []string{"web", "init db"}, "DB_", "verify-full"
	assert.Equal(t, "kubectl pgbind deployment.apps/web --postgres pod/pg-0 --postgres-namespace data --dbname shop --access readonly "+
		"--postgres-container db --admin-user boss --admin-password-from secret/admin:password --host pooler --port 6432 --cluster-domain example.org "+
		"--key uri,servicebinding --sslmode verify-full --ca-from secret/tls:ca.crt --inject env --container 'web,init db' --env-prefix DB_ -n ns",
		f.check()[0].Fix.Command)
}

func TestFix_RepeatsEveryField(t *testing.T) {
	foundAgain := map[string]string{
		"Workload":     "it is the argument",
		"Secret":       "the workload's annotation or the binding's id leads to the Secret",
		"Username":     "the workload's annotation has the role",
		"PasswordFrom": "the Secret has the password, or else the role of the next generation gets a random one",
	}
	fields := reflect.TypeFor[v1alpha1.BindingSpec]()
	for i := range fields.NumField() {
		var spec v1alpha1.BindingSpec
		switch field := reflect.ValueOf(&spec).Elem().Field(i).Addr().Interface().(type) {
		case *string:
			*field = "x"
		case *[]string:
			*field = []string{"x"}
		case *map[string]string:
			*field = map[string]string{"x": "x"}
		case *int32:
			*field = 1
		case **int32:
			limit := int32(1)
			*field = &limit
		case *bool:
			*field = true
		case **metav1.Time:
			*field = &metav1.Time{Time: noon}
		default:
			t.Errorf("no value for field %s", fields.Field(i).Name)
		}
		name := fields.Field(i).Name
		if _, exception := foundAgain[name]; exception {
			assert.Empty(t, specFlags(spec, "ns"), name)
			continue
		}
		assert.NotEmpty(t, specFlags(spec, "ns"), "%s: the command that repairs a binding would reset it", name)
	}
	assert.Empty(t, specFlags(v1alpha1.BindingSpec{}.WithDefaults("ns"), "ns"))
}

func TestCheckBinding_ExpectsAccessRoleAtLevelAll(t *testing.T) {
	f := healthy()
	f.binding.Marks.Access = "all"
	f.role.MemberOf = []string{f.binding.AccessRole().Role()}
	assert.Equal(t, Mismatch, f.check()[0].Reason)
	f.answer.Login.User = f.binding.AccessRole().Role()
	assert.Equal(t, OK, f.check()[0].Reason)
}

func TestCheckBinding_CreatesASchemaThatTheApplicationMayOwn(t *testing.T) {
	f := healthy()
	f.binding.Marks.Access, f.binding.Marks.Schemas = "all", []string{"public", "app"}
	f.role.MemberOf = []string{f.binding.AccessRole().Role()}
	f.answer.Login.User, f.answer.NoSchemas = f.role.MemberOf[0], []string{"app"}
	found := f.check()
	require.Len(t, found, 1)
	assert.Contains(t, found[0].Fix.Command, "--schema public,app --create-schema app")
}

func TestFix_IsRunOnlyIfNobodyHasToDecide(t *testing.T) {
	tests := map[string]struct {
		change func(f *facts)
		action Action
	}{
		"missing role":                        {func(f *facts) { f.role, f.answer = nil, postgres.Answer{} }, Bind},
		"role of an unnamed server elsewhere": {func(f *facts) { f.role, f.answer, f.named = nil, postgres.Answer{}, "" }, ""},
		"role of a server here": {
			func(f *facts) { f.role, f.named, f.binding.Marks.PostgresNamespace = nil, "", "ns" },
			Bind,
		},
		"known role of a server elsewhere": {func(f *facts) { f.complete, f.named = false, "" }, Recreate},
		"Secret without keys":              {func(f *facts) { f.complete = false }, Recreate},
		"stale Pods":                       {func(f *facts) { f.stalePods = []string{"a"} }, Restart},
		"missing workload":                 {func(f *facts) { f.binding.Workload = inventory.Absent }, Remove},
		"missing membership":               {func(f *facts) { f.role.MemberOf = nil }, Bind},
		"forged access":                    {func(f *facts) { f.binding.Marks.Access = "readwrite" }, ""},
		"forged with a breach":             {func(f *facts) { f.binding.Marks.Access, f.referenced = "readwrite", false }, ""},
		"foreign role":                     {func(f *facts) { f.role.Owner.ID, f.complete = "other", false }, ""},
		"other role's grant":               {func(f *facts) { f.answer.Exceeds = []string{"REVOKE A ON B FROM C"} }, ""},
		"hidden variable":                  {func(f *facts) { f.hidden = []workload.Hidden{{By: "env"}} }, ""},
		"database of others":               {func(f *facts) { f.noDatabase = true }, ""},
		"database of ours":                 {func(f *facts) { f.noDatabase, f.binding.Marks.CreateDatabase = true, true }, Bind},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			f := healthy()
			test.change(f)
			for _, found := range f.check() {
				assert.Equal(t, test.action, found.Fix.Action, found.Message)
				assert.Equal(t, "abc", found.ID)
			}
		})
	}
}

func TestFix_NamesTheDatabaseThatItCreates(t *testing.T) {
	f := healthy()
	f.binding.Marks.BindingSpec = v1alpha1.BindingSpec{
		Workload: "deployment.apps/web",
		DBName:   "postgres",
		Postgres: "pod/postgresql-sfs-0",
		Access:   "all",
	}
	f.noDatabase = true
	assert.Equal(t, "kubectl pgbind deployment.apps/web --dbname postgres --create-database -n ns", f.check()[0].Fix.Command)
}

func TestChange_KeepsTheFirst(t *testing.T) {
	one, two := int32(1), int32(2)
	change := Change{ConnectionLimit: &one}.And(Change{ConnectionLimit: &two, Inject: "env", CreateSchema: "app", CreateDatabase: true})
	assert.Equal(t, v1alpha1.BindingSpec{ConnectionLimit: &one, Inject: "env", CreateSchema: "app", CreateDatabase: true, Access: "all"},
		change.Of(v1alpha1.BindingSpec{Access: "all", Inject: "volume"}))
}

func TestCounted_CutsLongLists(t *testing.T) {
	list := strings.Split(strings.Repeat("x ", 12), " ")[:12]
	assert.Equal(t, strings.Join(list[:11], ", "), counted(list[:11]))
	assert.Equal(t, strings.Join(list[:10], ", ")+", 2 more", counted(list))
}

func TestWorstFirst_HasEveryReason(t *testing.T) {
	order := worstFirst()
	assert.Equal(t, LoginFailed, order[0])
	assert.Equal(t, OK, order[len(order)-1])
	found := sorted(
		[]Finding{{Reason: OK}, {Reason: Unknown}, {Reason: Expired, Secret: "b"}, {Reason: Expired, Secret: "a"}, {Reason: LoginFailed}},
	)
	assert.Equal(
		t,
		[]Finding{{Reason: LoginFailed}, {Reason: Expired, Secret: "a"}, {Reason: Expired, Secret: "b"}, {Reason: Unknown}, {Reason: OK}},
		found,
	)
}

func TestShell_Quotes(t *testing.T) {
	assert.Equal(t, `kubectl 'a b' 'it'\''s' pod/x`, report.Command("kubectl", "a b", "it's", "pod/x"))
	assert.Equal(t, `''`, report.Command(""))
}
