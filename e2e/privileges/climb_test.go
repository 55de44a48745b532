//go:build e2e

package privileges

import (
	"cmp"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/lesson"
)

const (
	leastWays, leastFromElsewhere, mostBySuperuser = 40, 15, 8

	templateDatabase = "climb_template"

	// note is the body of a function of the attacker. It reports the role as which it runs, to the session and to the server's log.
	note = "BEGIN RAISE WARNING 'ran as % in %', current_user, pg_catalog.current_database(); RETURN NULL; END"
)

//go:embed climb_template.sql
var climbTemplate string

//go:embed climb_bound.sql
var climbBound string

// attempt is one way, tried by an application with one level in a database of its own. A control also gets what the way needs.
type attempt struct {
	way      way
	level    string
	control  bool
	database string

	subject, neighbour, island tenant
	phases                     phases
	done                       bool
}

// tenant is a binding in the database of an attempt.
type tenant struct {
	name   string // of the workload and of the Secret
	spec   string
	login  harness.Login
	access string
}

// tenants are the application and the other bindings that the way needs.
func (a *attempt) tenants() []*tenant {
	tenants := []*tenant{&a.subject}
	if a.way.mentions("neighbour") {
		tenants = append(tenants, &a.neighbour)
	}
	if a.way.mentions("island") {
		tenants = append(tenants, &a.island)
	}
	return tenants
}

// TestClimbing tries to exceed each level, in every known way. In a control run, the way must work.
func TestClimbing(t *testing.T) {
	ways := readWays(t)
	for _, version := range versions(t) {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			climb(t, ways, version)
		})
	}
}

// climb runs the attempts that -run chooses. Their subtests wait until it returns, and then judge what happened.
func climb(t *testing.T, ways []way, version string) {
	t.Helper()
	number, err := strconv.Atoi(version)
	require.NoError(t, err)
	var chosen []*attempt
	count := counts{}
	for _, w := range ways {
		if !w.exists(number) {
			continue
		}
		count.add(w)
		for _, level := range asWhat(t) {
			t.Run(w.name+"-"+level, func(t *testing.T) {
				a := newAttempt(w, level, len(chosen))
				chosen = append(chosen, a)
				t.Parallel()
				a.verify(t)
			})
		}
	}
	t.Log(count.String())
	assert.GreaterOrEqual(t, count.ways, leastWays)
	assert.GreaterOrEqual(t, count.fromElsewhere, leastFromElsewhere)
	assert.LessOrEqual(t, count.bySuperuser, mostBySuperuser)
	c := &climbing{server: newServer(t, version), attempts: chosen, dir: t.TempDir()}
	c.run()
}

// asWhat returns how each way is tried: at the levels in PGBIND_CLIMB, separated by spaces, and as a "control". The default is all of them.
func asWhat(t *testing.T) []string {
	t.Helper()
	all := append(levels(), "control")
	chosen := strings.Fields(os.Getenv("PGBIND_CLIMB"))
	if len(chosen) == 0 {
		return all
	}
	require.Subset(t, all, chosen, "PGBIND_CLIMB")
	return chosen
}

type counts struct{ ways, fromElsewhere, bySuperuser int }

func (c *counts) add(w way) {
	c.ways++
	if w.fromElsewhere() {
		c.fromElsewhere++
	}
	if w.bySuperuser() {
		c.bySuperuser++
	}
}

func (c *counts) String() string {
	return fmt.Sprintf("%d ways, %d of them from elsewhere; %d attempts; %d controls, %d of them by a superuser",
		c.ways, c.fromElsewhere, c.ways*len(levels()), c.ways, c.bySuperuser)
}

func newAttempt(w way, level string, number int) *attempt {
	a := &attempt{way: w, level: level, database: fmt.Sprintf("climb_%03d", number)}
	if level == "control" {
		a.level, a.control = "all", true
	}
	other := "all"
	if a.level == "all" {
		other = "readwrite"
	}
	a.subject = newTenant("subject", number, "schemas: [shop], access: "+a.level)
	a.neighbour = newTenant("neighbour", number, "schemas: [shop], access: "+other)
	a.island = newTenant("island", number, "schemas: [island], access: all, isolated: true")
	return a
}

func newTenant(kind string, number int, spec string) tenant {
	name := fmt.Sprintf("%s-%03d", kind, number)
	place := fmt.Sprintf("workload: cronjob/%s, postgres: pod/%s, dbname: climb_%03d, secret: %s, ", name, lesson.DatabasePod, number, name)
	return tenant{name: name, spec: place + spec}
}

// climbing runs attempts on one server.
type climbing struct {
	*server
	attempts         []*attempt
	dir              string
	canary, verifier string
}

func (c *climbing) run() {
	c.stage("create the databases", c.prepare)
	c.stage("bind", c.bindAll)
	attempts, controls := []*attempt{}, []*attempt{}
	for _, a := range c.attempts {
		if a.control {
			controls = append(controls, a)
		} else {
			attempts = append(attempts, a)
		}
	}
	c.stage("attempts", func() { c.each(attempts, c.try) })
	c.stage("bind again", func() { c.bindAgain(attempts) })
	c.stage("attempts again", func() { c.each(attempts, c.tryAgain) })
	c.stage("controls", func() { c.each(controls, c.try); c.each(controls, c.tryAgain) })
	c.readLog()
}

// stage prints how long a part of the test takes.
func (c *climbing) stage(name string, run func()) {
	c.t.Helper()
	begin := time.Now()
	run()
	c.t.Logf("PostgreSQL %s: %s: %.1f s", c.version, name, time.Since(begin).Seconds())
}

// prepare creates the databases. To save time, the server does not wait for the disk and does no background work.
func (c *climbing) prepare() {
	c.t.Helper()
	c.canary = "canary-" + randomHex(c.server)
	c.admin("postgres", "ALTER SYSTEM SET fsync = off; ALTER SYSTEM SET autovacuum = off; SELECT pg_reload_conf(); "+
		"CREATE ROLE shopowner; CREATE DATABASE "+templateDatabase+";")
	c.admin("postgres", fmt.Sprintf("CREATE ROLE keyholder LOGIN PASSWORD '%s'; CREATE TABLE public.other (note text); "+
		"INSERT INTO public.other VALUES ('%s');", randomHex(c.server), c.canary))
	c.verifier = c.admin("postgres", "SELECT rolpassword FROM pg_authid WHERE rolname = 'keyholder'")
	c.strict(step{database: templateDatabase, script: climbTemplate, variables: map[string]string{"canary": c.canary}})
	create, strategy := step{database: "postgres"}, ""
	if version, err := strconv.Atoi(c.version); err == nil && version >= 15 {
		strategy = " STRATEGY file_copy" // in half the time
	}
	var setups []step
	for _, a := range c.attempts {
		create.script += fmt.Sprintf("CREATE DATABASE %s TEMPLATE %s%s;\n", a.database, templateDatabase, strategy)
		if setup := a.way.sections["setup"]; setup != "" {
			script := "SET search_path = pg_catalog;\n" + setup
			setups = append(setups, step{database: a.database, script: script, variables: map[string]string{"canary": c.canary}})
		}
	}
	c.strict(append([]step{create}, setups...)...)
}

// strict runs sessions of the superuser in which no statement may fail.
func (c *climbing) strict(steps ...step) []outcome {
	c.t.Helper()
	for i := range steps {
		steps[i].strict = true
	}
	outcomes := c.steps(steps...)
	for i, step := range steps {
		require.Zero(c.t, outcomes[i].code, "%s\n%s", step.script, c.redact(outcomes[i].output))
	}
	return outcomes
}

// bindAll makes all bindings with one command.
func (c *climbing) bindAll() {
	c.t.Helper()
	for _, a := range c.attempts {
		for _, tenant := range a.tenants() {
			c.workload(tenant.name)
		}
	}
	c.apply(c.attempts)
	names := c.accessRoles()
	for _, a := range c.attempts {
		for _, tenant := range a.tenants() {
			login, err := c.Login(c.ctx, tenant.name)
			require.NoError(c.t, err)
			tenant.login, tenant.access = login, names[login.Username]
			require.NotEmpty(c.t, tenant.access, "the access role of %s", tenant.name)
		}
	}
}

// accessRoles maps each login role to the role of which it is a member.
func (c *climbing) accessRoles() map[string]string {
	c.t.Helper()
	names := map[string]string{}
	rows := c.admin("postgres", "SELECT m.rolname, r.rolname FROM pg_auth_members a JOIN pg_authid m ON m.oid = a.member "+
		"JOIN pg_authid r ON r.oid = a.roleid WHERE m.rolcanlogin AND NOT r.rolcanlogin")
	for row := range strings.Lines(rows) {
		login, access, _ := strings.Cut(strings.TrimSpace(row), "|")
		names[login] = access
	}
	return names
}

// workload creates a CronJob that never runs.
func (c *climbing) workload(name string) {
	c.t.Helper()
	suspend := true
	pod := corev1.PodSpec{RestartPolicy: corev1.RestartPolicyNever, Containers: []corev1.Container{{Name: "app", Image: "postgres:15"}}}
	job := batchv1.JobSpec{Template: corev1.PodTemplateSpec{Spec: pod}}
	_, err := c.Client.BatchV1().CronJobs(c.Name).Create(c.ctx, &batchv1.CronJob{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       batchv1.CronJobSpec{Schedule: "0 0 1 1 *", Suspend: &suspend, JobTemplate: batchv1.JobTemplateSpec{Spec: job}},
	}, metav1.CreateOptions{})
	require.NoError(c.t, err)
}

// apply binds the tenants of the attempts.
func (c *climbing) apply(attempts []*attempt) {
	c.t.Helper()
	var text strings.Builder
	for _, a := range attempts {
		for _, tenant := range a.tenants() {
			fmt.Fprintf(&text, "---\napiVersion: pgbind.dev/v1alpha1\nkind: Binding\nspec: {%s}\n", tenant.spec)
		}
	}
	file := filepath.Join(c.dir, "bindings.yaml")
	require.NoError(c.t, os.WriteFile(file, []byte(text.String()), 0o600))
	c.pgbind("apply", "-f", file, "--wait=false")
}

// variables are the psql variables that the sections of a way may use.
func (a *attempt) variables() map[string]string {
	return map[string]string{
		"login": a.subject.login.Username, "access": a.subject.access, "level": a.level, "note": note,
		"neighbour": cmp.Or(a.neighbour.access, "postgres"), "neighbour_login": a.neighbour.login.Username,
		"island": cmp.Or(a.island.access, "postgres"), "island_login": a.island.login.Username,
	}
}
