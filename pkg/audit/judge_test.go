package audit

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
)

// cleanFacts are a server with one bound application, in which nothing is wrong.
func cleanFacts() *facts {
	c := &cluster{bindings: []binding{{secret: types.NamespacedName{Namespace: "shop"}, id: "abc"}}, secretsRead: true, valuesRead: true}
	pods := []corev1.Pod{podAt("data", "pg-0", "10.0.0.1"), podAt("shop", "web-1", "10.0.0.2"), podAt("shop", "worker-1", "10.0.0.3"),
		podAt("data", "pooler-1", "10.0.0.4"), podAt("kube-system", "proxy-1", "192.168.0.1")}
	pods[3].Spec.Containers[0].Image = "registry.example/pgbouncer:1.24"
	pods[4].Spec.HostNetwork = true
	for i := range pods {
		pods[i].Status.HostIP = "192.168.0.1"
		pods[i].Spec.NodeName = "node-1"
	}
	c.index = newPodIndex(pods, nil)
	c.workloads = map[types.UID]workloadRef{"pg-0": {"data", "statefulset/pg", ""}, "web-1": {"shop", "deployment/web", ""},
		"worker-1": {"shop", "deployment/worker", ""}, "pooler-1": {"data", "deployment/pooler", ""}}
	return &facts{
		now: time.Now(), cluster: c, services: serviceNames{"data": {"pg"}}, container: "db",
		ref:    server.Ref{Kind: "statefulset", Name: "pg", Namespace: "data"},
		server: Server{Name: "data/pod/pg-0", Pod: "pg-0", Namespace: "data"},
		audit: &postgres.Audit{
			Version: 150004,
			Access:  postgres.AuditAccess{Passwords: true, Rules: true, Sessions: true, RuleFile: "/data/pg_hba.conf"},
			Roles: []postgres.AuditRole{
				{Name: "postgres", Bootstrap: true, Superuser: true, CanLogin: true, Password: "none"},
				{Name: "pg_execute_server_program", Predefined: true},
				{
					Name:     "web",
					CanLogin: true,
					Password: "scram",
					Owner:    postgres.Owner{ID: "abc", Namespace: "shop"},
					MemberOf: []postgres.AuditMembership{{Role: "access", Inherit: true, Set: true}},
				},
				{Name: "access"},
			},
			Sessions: []postgres.AuditSession{
				{Address: "10.0.0.2", Role: "web", Database: "shop", Count: 2},
				{Role: "postgres", Database: "postgres", Count: 1},
			},
			Rules: []postgres.AuditRule{
				{Line: 9, Type: "host", Databases: []string{"all"}, Users: []string{"all"}, Address: "all", Method: "scram-sha-256"},
			},
			Databases: []postgres.AuditDatabase{
				{Name: "shop", Owner: "postgres", Connectable: true},
				{Name: "template1", Template: true, Connectable: true, Public: []string{"CONNECT"}},
			},
		},
	}
}

func podAt(namespace, name, ip string) corev1.Pod {
	return corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, UID: types.UID(name)},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "main:1"}}},
		Status:     corev1.PodStatus{Phase: corev1.PodRunning, PodIP: ip, PodIPs: []corev1.PodIP{{IP: ip}}},
	}
}

// judged joins and judges the facts.
func judged(f *facts) []Finding {
	f.accesses = f.join()
	f.accesses = append(f.accesses, f.withoutSessions(f.accesses)...)
	return f.findings()
}

func (f *facts) session(address, role, database string) {
	f.audit.Sessions = append(f.audit.Sessions, postgres.AuditSession{Address: address, Role: role, Database: database, Count: 3})
}

func (f *facts) template(workload, secret string) {
	f.cluster.templates = append(
		f.cluster.templates,
		template{workload: workloadRef{"shop", workload, ""}, secrets: []types.NamespacedName{{Namespace: "shop", Name: secret}}},
	)
}

func TestFindings_NoneOfACleanServer(t *testing.T) {
	assert.Empty(t, judged(cleanFacts()))
}

func TestFindings(t *testing.T) {
	member := func(role string, admin bool) []postgres.AuditMembership {
		return []postgres.AuditMembership{{Role: role, Admin: admin, Inherit: true, Set: true}}
	}
	past := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	trust := func(address, netmask string) postgres.AuditRule {
		return postgres.AuditRule{
			Line:      4,
			Type:      "host",
			Databases: []string{"all"},
			Users:     []string{"web"},
			Address:   address,
			Netmask:   netmask,
			Method:    "trust",
		}
	}
	for name, test := range map[string]struct {
		change   func(f *facts)
		code     Code
		severity Severity
		object   string
		message  string
		fix      string
	}{
		"a workload as superuser": {func(f *facts) { f.session("10.0.0.3", "postgres", "shop") }, SuperuserWorkload, Critical, "deployment/worker",
			"3 sessions in database shop as superuser postgres", "kubectl pgbind takeover deployment/worker --postgres statefulset/pg --postgres-namespace data --dbname shop -n shop"},
		"a pooler as superuser": {func(f *facts) { f.session("10.0.0.4", "postgres", "shop") }, SuperuserWorkload, Critical, "deployment/pooler", "3 sessions", ""},
		"a shared role": {func(f *facts) { f.session("10.0.0.3", "web", "shop") }, SharedRole, Warning, "role/web",
			"2 workloads use it", "kubectl pgbind takeover deployment/web deployment/worker --postgres statefulset/pg --postgres-namespace data --dbname shop -n shop"},
		"the login of a binding": {func(f *facts) {
			f.session("10.0.0.3", "web", "shop")
			f.cluster.bindings[0].workload, f.cluster.bindings[0].role = "deployment/web", "web"
		}, SharedRole, Warning, "role/web",
			"it is the login of a binding", "kubectl pgbind bind deployment/worker --postgres statefulset/pg --postgres-namespace data --dbname shop -n shop"},
		"a role shared by a template": {func(f *facts) { f.template("deployment/web", "pg"); f.template("cronjob/report", "pg") }, SharedRole, Warning, "role/web",
			"cronjob/report in namespace shop (no session now, but its pod template uses secret/pg)", "kubectl pgbind takeover cronjob/report deployment/web"},
		"an unused role": {func(f *facts) { f.audit.Roles = append(f.audit.Roles, postgres.AuditRole{Name: "old", CanLogin: true}) }, UnusedRole, Warning, "role/old",
			"no session now", `'ALTER ROLE "old" NOLOGIN'`},
		"a role that may be used elsewhere": {func(f *facts) {
			f.cluster.namespace = "shop"
			f.audit.Roles = append(f.audit.Roles, postgres.AuditRole{Name: "old", CanLogin: true})
		}, UnusedRole, Info, "role/old", "other namespaces were not read", "NOLOGIN"},
		"a role that a Secret may name": {func(f *facts) {
			f.cluster.valuesRead = false
			f.audit.Roles = append(f.audit.Roles, postgres.AuditRole{Name: "old", CanLogin: true})
		}, UnusedRole, Info, "role/old", "--read-secrets", "NOLOGIN"},
		"an orphan": {func(f *facts) { f.cluster.bindings = nil }, OrphanedRole, Warning, "role/web", "namespace shop", "kubectl pgbind prune --postgres statefulset/pg --postgres-namespace data -n shop"},
		"MD5": {func(f *facts) { f.audit.Roles[2].Password = "md5" }, MD5Password, Warning, "role/web", "MD5",
			`kubectl pgbind psql --admin --postgres statefulset/pg -n data -- -c '\password "web"'`},
		"no password": {func(f *facts) { f.audit.Roles[2].Password = "none" }, NoPassword, Info, "role/web", "no password", `\password`},
		"expired": {func(f *facts) { f.audit.Roles[2].Expired, f.audit.Roles[2].ValidUntil = true, &past }, ExpiredRole, Warning, "role/web",
			"it expired at 2026-01-02 03:04:05Z; 2 sessions continue", "VALID UNTIL"},
		"trust from everywhere": {func(f *facts) { f.audit.Rules = append([]postgres.AuditRule{trust("all", "")}, f.audit.Rules...) }, TrustRule, Critical,
			"pg_hba.conf:4", "users web log in to all databases from everywhere", `kubectl exec pg-0 -n data -c db -- sed -i '4s/\btrust\b/scram-sha-256/' /data/pg_hba.conf && kubectl pgbind psql`},
		"trust from a network": {func(f *facts) {
			f.audit.Rules = append([]postgres.AuditRule{trust("10.0.0.0", "255.0.0.0")}, f.audit.Rules...)
		}, TrustRule, Critical,
			"pg_hba.conf:4", "from 10.0.0.0 with netmask 255.0.0.0", "sed"},
		"trust in the Pod":    {func(f *facts) { f.audit.Rules = append(f.audit.Rules, trust("127.0.0.1", "255.255.255.255")) }, LocalTrust, Info, "pg_hba.conf:4", "pod/pg-0", "kubectl auth can-i"},
		"trust on the socket": {func(f *facts) { r := trust("", ""); r.Type = "local"; f.audit.Rules = append(f.audit.Rules, r) }, LocalTrust, Info, "pg_hba.conf:4", "pod/pg-0", ""},
		"a program of the server": {func(f *facts) { f.audit.Roles[3].MemberOf = member("pg_execute_server_program", false) }, PowerfulRole, Critical, "role/web",
			"it is a member of access > pg_execute_server_program", `'REVOKE "access" FROM "web"'`},
		"a superuser by membership": {func(f *facts) { f.audit.Roles[2].MemberOf = member("postgres", false) }, PowerfulRole, Critical, "role/web", "it is a member of postgres, a superuser", `'REVOKE "postgres" FROM "web"'`},
		"ADMIN OPTION":              {func(f *facts) { f.audit.Roles[2].MemberOf = member("access", true) }, PowerfulRole, Warning, "role/web", "ADMIN OPTION on role access", `'REVOKE ADMIN OPTION FOR "access" FROM "web"'`},
		"CREATEROLE on 15":          {func(f *facts) { f.audit.Roles[2].CreateRole = true }, PowerfulRole, Critical, "role/web", "CREATEROLE", `'ALTER ROLE "web" NOCREATEROLE'`},
		"CREATEROLE on 16":          {func(f *facts) { f.audit.Version, f.audit.Roles[2].CreateRole = 160000, true }, PowerfulRole, Warning, "role/web", "CREATEROLE", "NOCREATEROLE"},
		"REPLICATION":               {func(f *facts) { f.audit.Roles[2].Replication = true }, PowerfulRole, Warning, "role/web", "REPLICATION", "NOREPLICATION"},
		"BYPASSRLS":                 {func(f *facts) { f.audit.Roles[2].BypassRLS = true }, PowerfulRole, Warning, "role/web", "BYPASSRLS", "NOBYPASSRLS"},
		"a second superuser": {func(f *facts) {
			f.audit.Roles = append(f.audit.Roles, postgres.AuditRole{Name: "dba", CanLogin: true, Superuser: true})
			f.session("", "dba", "shop")
		}, PowerfulRole, Warning, "role/dba", "it is a superuser", `'ALTER ROLE "dba" NOSUPERUSER'`},
		"PUBLIC creates": {func(f *facts) { f.audit.Creates = []postgres.AuditSchema{{Database: "shop", Schema: "public"}} }, PublicCreate, Warning, "database/shop", "schema public",
			`kubectl pgbind psql --admin --postgres statefulset/pg --dbname shop -n data -- -c 'REVOKE CREATE ON SCHEMA "public" FROM PUBLIC'`},
		"PUBLIC connects": {func(f *facts) { f.audit.Databases[0].Public = []string{"CONNECT", "TEMPORARY"} }, PublicConnect, Info, "PUBLIC", "connect to shop", `REVOKE CONNECT, TEMPORARY ON DATABASE "shop" FROM PUBLIC`},
		"a shadow": {func(f *facts) {
			f.audit.Shadows = []postgres.AuditShadow{
				{Database: "shop", Schema: "web", Creators: []string{"evil"}},
			}
		}, Shadow, Warning, "database/shop", "role web mean what evil can create", `RENAME TO "web_app"`},
		"an overload": {func(f *facts) {
			f.audit.Overloads = []postgres.AuditOverload{
				{Database: "shop", Schema: "s", Object: "function s.abs(text)", Owner: "web"},
			}
		}, Overload, Info, "database/shop", "function s.abs(text) of role web", `\dn+`},
		"no Pod": {func(f *facts) { f.session("10.9.9.9", "web", "shop") }, UnknownAddress, Warning, "address/10.9.9.9", "an address of no Pod", "client_addr = "},
		"no Pod here": {func(f *facts) { f.cluster.namespace = "shop"; f.session("10.9.9.9", "web", "shop") }, UnknownAddress, Warning, "address/10.9.9.9", "no Pod in namespace shop",
			"kubectl pgbind audit -A --postgres statefulset/pg --postgres-namespace data"},
		"no Pod, as superuser": {func(f *facts) { f.session("10.9.9.9", "postgres", "shop") }, UnknownAddress, Critical, "address/10.9.9.9", "as superuser postgres", ""},
		"a node":               {func(f *facts) { f.session("192.168.0.1", "web", "shop") }, NodeAddress, Info, "node/node-1", "(proxy-1)", "spec.nodeName=node-1"},
		"a pooler":             {func(f *facts) { f.session("10.0.0.4", "web", "shop") }, Pooler, Info, "deployment/pooler", "pgbouncer is a pooler: 3 sessions in database shop as web", "kubectl logs"},
		"different passwords": {func(f *facts) {
			for i, secret := range []string{"a", "b"} {
				f.cluster.secretLogins = append(f.cluster.secretLogins, secretLogin{types.NamespacedName{Namespace: "shop", Name: secret}, []string{"pg.data.svc"}, "web", strings.Repeat("x", i+1)})
			}
		}, PasswordsDiffer, Critical, "role/web", "secret/a in namespace shop, secret/b in namespace shop", `\password`},
		"no superuser":        {func(f *facts) { f.audit.Access.Passwords = false }, NotSeen, Info, "pod/pg-0", "kinds of passwords", ""},
		"standbys":            {func(f *facts) { f.standbys = 1 }, NotSeen, Info, "pod/pg-0", "standbys", ""},
		"a database, closed":  {func(f *facts) { f.audit.Unread = map[string]error{"zoo": errors.New("denied")} }, NotSeen, Info, "pod/pg-0", "database zoo cannot be read: denied", ""},
		"a Service, not read": {func(f *facts) { f.gaps = []string{"services forbidden"} }, NotSeen, Info, "pod/pg-0", "services forbidden", ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := cleanFacts()
			test.change(f)
			var codes []Code
			var match *Finding
			for _, finding := range judged(f) {
				codes = append(codes, finding.Code)
				if finding.Code == test.code && match == nil {
					match = &finding
				}
			}
			require.NotNil(t, match, "found %v", codes)
			assert.Equal(t, test.severity, match.Severity)
			assert.Equal(t, test.object, match.Object)
			assert.Contains(t, match.Message, test.message)
			assert.Contains(t, match.Fix, test.fix)
			assert.Equal(t, "docs/findings.md#audit-"+strings.ToLower(string(test.code)), match.Page)
			assert.Equal(t, "data/pod/pg-0", match.Server)
			assert.NotContains(t, match.Message+match.Fix, "xx", "no password")
		})
	}
}

func TestFindings_OneCauseIsOneFinding(t *testing.T) {
	for name, change := range map[string]func(f *facts){
		"a rule that never applies": func(f *facts) {
			f.audit.Rules = append(f.audit.Rules, postgres.AuditRule{Line: 10, Type: "host", Databases: []string{"all"}, Users: []string{"all"}, Address: "10.0.0.0", Netmask: "255.0.0.0", Method: "trust"})
		},
		"replication of the server itself": func(f *facts) {
			f.audit.Roles = append(f.audit.Roles, postgres.AuditRole{Name: "replica", CanLogin: true, Replication: true, Password: "scram"})
			f.session("10.0.0.1", "replica", "")
		},
		"a membership without use": func(f *facts) {
			f.audit.Roles[2].MemberOf = []postgres.AuditMembership{{Role: "postgres"}}
		},
		"a binding of a namespace that was not read": func(f *facts) {
			f.cluster.namespace, f.cluster.bindings = "other", nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := cleanFacts()
			change(f)
			assert.Empty(t, judged(f))
		})
	}
}
