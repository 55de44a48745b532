//go:build e2e && apps

package e2e

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
)

// app is a published application that runs in the cluster, with a database of its own.
type app struct {
	*fixture
	name     string
	database string
	requests func(number int64) (harness.Request, int) // what the load sends, and the status that it expects
	number   atomic.Int64                              // of the last request
}

const (
	appPort       = 8080
	shownFailures = 5 // of a load
)

// deploy creates the application's Deployment and Service. A Pod leaves the Service before it stops, so that a restart fails no request.
func (a *app) deploy(ready string, change func(*corev1.PodSpec)) {
	a.t.Helper()
	object := deployment(a.name, func(pod *corev1.PodSpec) {
		c := &pod.Containers[0]
		c.Image = "pgbind-" + a.name + ":dev"
		// A Pod that starts is ready soon. A machine that is busy does not make it unready: only the load judges it.
		c.ReadinessProbe = &corev1.Probe{
			PeriodSeconds:    1,
			TimeoutSeconds:   5,
			FailureThreshold: 20,
			ProbeHandler:     corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: ready, Port: intstr.FromInt32(appPort)}},
		}
		c.Lifecycle = &corev1.Lifecycle{PreStop: &corev1.LifecycleHandler{Sleep: &corev1.SleepAction{Seconds: 3}}}
		change(pod)
	})
	a.create(&corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: a.name}, Spec: corev1.ServiceSpec{
		Selector: object.Spec.Selector.MatchLabels, Ports: []corev1.ServicePort{{Port: appPort}},
	}})
	a.create(object)
}

func (a *app) workload() string { return "deployment/" + a.name }

// sql runs SQL as the superuser in the application's database.
func (a *app) sql(sql string) string {
	a.t.Helper()
	return a.admin(`\connect "` + a.database + "\"\n" + sql)
}

// owners returns the roles that own relations in the application's schema.
func (a *app) owners() string {
	a.t.Helper()
	return a.sql("SELECT DISTINCT pg_get_userbyid(relowner) FROM pg_class WHERE relnamespace = 'public'::regnamespace")
}

// fetch sends a request of the load. Each response shows that the application reached its database.
func (a *app) fetch(ctx context.Context) error {
	request, want := a.requests(a.number.Add(1))
	request.Service = a.name + ":" + strconv.Itoa(appPort)
	code, body, err := a.Fetch(ctx, request)
	if err == nil && code != want {
		err = fmt.Errorf("%s %s: %d %s", request.Method, request.Path, code, body)
	}
	return err
}

// awaitAnswers waits until the application answers all kinds of requests.
func (a *app) awaitAnswers() {
	a.t.Helper()
	a.rollout(a.workload())
	require.EventuallyWithT(a.t, func(c *assert.CollectT) {
		for range 2 {
			require.NoError(c, a.fetch(a.ctx))
		}
	}, time.Minute, time.Second)
}

// load sends requests from four clients while do runs, and counts those that fail.
func (a *app) load(do func()) load {
	a.t.Helper()
	ctx, stop := context.WithCancel(a.ctx)
	defer stop()
	var result load
	var mu sync.Mutex
	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() {
			for ctx.Err() == nil {
				err := a.fetch(a.ctx) //nolint:contextcheck // not the context that ends, so that the last request is completed
				mu.Lock()
				if result.sent++; err != nil {
					result.failed = append(result.failed, time.Now().UTC().Format(time.TimeOnly)+" "+err.Error())
				}
				mu.Unlock()
				select {
				case <-ctx.Done():
				case <-time.After(100 * time.Millisecond):
				}
			}
		})
	}
	do()
	stop()
	clients.Wait()
	return result
}

// restarts is the load during plain restarts, with which other loads are compared.
func (a *app) restarts(times int) load {
	a.t.Helper()
	return a.load(func() {
		for range times {
			a.kubectl("rollout", "restart", a.workload())
			a.rollout(a.workload())
		}
	})
}

// requireNoWorse requires that a load had no more failures than plain restarts.
func (a *app) requireNoWorse(what string, got, restarts load) {
	a.t.Helper()
	a.t.Logf("%s: %d of %d requests failed; plain restarts: %d of %d", what, len(got.failed), got.sent, len(restarts.failed), restarts.sent)
	assert.Greater(a.t, got.sent, 50, "there was a load")
	assert.LessOrEqual(
		a.t, len(got.failed), len(restarts.failed), "%s",
		strings.Join(got.failed[:min(len(got.failed), shownFailures)], "\n"),
	)
}

// testLife binds an application that cannot start without a login, rotates it under load, and unbinds it. migrated
// requires that the database is as the application's migration leaves it.
func (a *app) testLife(migrated func(), bind ...string) {
	t, args := a.t, append([]string{a.workload(), "--dbname=" + a.database, "--create-database"}, bind...)
	a.bind(args...)
	migrated()
	a.awaitAnswers()
	assert.Zero(t, a.run(a.Pgbind("check", a.workload())).Code)
	restarts := a.restarts(1)
	rotations := a.load(func() { a.bind("rotate", a.workload(), "--grace=1s") })
	a.requireNoWorse("a rotation", rotations, restarts)
	assert.NotContains(t, a.loginRoles(), "_1")
	assert.Contains(t, a.loginRoles(), "_2")
	migrated()
	again := a.bind(args...)
	assert.NotContains(t, again.Stdout, " bound")
	assert.Zero(t, a.run(a.Pgbind("check", a.workload())).Code)

	a.kubectl("scale", a.workload(), "--replicas=0")
	a.bind("unbind", a.workload(), "--grace=1s")
	assert.Empty(t, a.loginRoles())
	migrated()
}

// newApp creates a namespace with a server.
func newApp(t *testing.T, name string, requests func(number int64) (harness.Request, int)) *app {
	t.Helper()
	return &app{fixture: newDatabase(t), name: name, database: name, requests: requests}
}

// get is a request that only reads.
func get(path string, header http.Header) harness.Request {
	return harness.Request{Method: http.MethodGet, Path: path, Header: header}
}

// post is a request that writes.
func post(path, body string, header http.Header) harness.Request {
	header = header.Clone()
	if header == nil {
		header = http.Header{}
	}
	header.Set("Content-Type", "application/json")
	return harness.Request{Method: http.MethodPost, Path: path, Body: body, Header: header}
}
