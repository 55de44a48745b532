//go:build e2e

package e2e

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/faultproxy"
	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/lesson"
)

// serverTrouble is what happens to a database's server.
type serverTrouble struct {
	name   string
	strike func(*fixture) error
	mend   string // a shell script for the server's container; empty: the server recovers without one
	// locks means that the trouble takes locks itself, which an open transaction of the run would block.
	locks bool
	// small means that the server's disk is small.
	small bool
	// harmless means that no run fails because of it.
	harmless bool
}

// moment is when a few trials find most.
func (trouble serverTrouble) moment() faultproxy.Moment {
	if trouble.locks {
		return faultproxy.Before
	}
	return faultproxy.MidStdin
}

// connections is how many connections the server accepts, including three for superusers.
const connections = 15

func serverTroubles() []serverTrouble {
	script := func(text string) func(*fixture) error {
		return func(f *fixture) error { return f.inServer(text) }
	}
	return []serverTrouble{
		{name: "restarted", strike: script(fmt.Sprintf(stopServer, "INT"))},
		{name: "crashed", strike: script(fmt.Sprintf(stopServer, "QUIT"))},
		{name: "Pod deleted", strike: func(f *fixture) error {
			_, err := f.Kubectl("delete", "pod", lesson.DatabasePod, "--grace-period=1").Output(f.ctx)
			return err
		}},
		{name: "disk full", strike: script(fillDisk), mend: emptyDisk, locks: true, small: true},
		{name: "no connection left", strike: script(fmt.Sprintf(takeConnections, connections+3) + nobodyConnects), mend: giveConnections},
		{
			name:   "none but superusers' connections left",
			strike: script(fmt.Sprintf(takeConnections+allConnected, connections-3)),
			mend:   giveConnections,
		},
		{name: "short timeouts", strike: script(shortTimeouts), mend: longTimeouts, locks: true, harmless: true},
	}
}

// The scripts that do it, for the server's container.
const (
	stopServer = `pid=$(head -1 "$PGDATA/postmaster.pid"); kill -%s "$pid"; while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done`

	// Free space in existing pages would hide a full disk, so the script fills them too. It does so in a session that starts before:
	// a server with a full disk may accept no new one.
	fillDisk = `psql --username=postgres --set=ON_ERROR_STOP=1 \
		--command='\! dd if=/dev/zero of=/data/filler bs=64k; dd if=/dev/zero of=/data/filler-too bs=4k' \
		--command="DO \$\$ BEGIN
			FOR i IN 1..2000 LOOP
				BEGIN EXECUTE format('CREATE ROLE filler_%s', i); EXCEPTION WHEN disk_full THEN RETURN; END;
			END LOOP;
			RAISE 'the disk is not full';
		END \$\$"`
	emptyDisk = `rm -f /data/filler /data/filler-too
		psql --username=postgres --set=ON_ERROR_STOP=1 --command="DO \$\$ DECLARE r name; BEGIN
			FOR r IN SELECT rolname FROM pg_roles WHERE rolname LIKE 'filler\_%' LOOP EXECUTE format('DROP ROLE %I', r); END LOOP;
		END \$\$"`

	// Each process tries until it has a connection, because a session that is ending releases one, and then reports. The flag has another
	// name each time, so that a process that has not seen the end of the last trouble does not continue.
	takeConnections = `flag=/tmp/taken.$$; touch "$flag"
		for i in $(seq %[1]d); do
			(while [ -e "$flag" ]; do
				printf '%%s\n' "\! touch $flag.$i; while [ -e $flag ]; do sleep 0.2; done" | psql --username=postgres
				sleep 0.1
			done) </dev/null >/dev/null 2>&1 &
		done
		`
	allConnected    = `for i in $(seq %[1]d); do until [ -e "$flag.$i" ]; do sleep 0.1; done; done; psql --username=postgres --command='SELECT 1'`
	nobodyConnects  = `for i in $(seq 100); do psql --username=postgres --command='SELECT 1' || exit 0; sleep 0.1; done; exit 1`
	giveConnections = `rm -f /tmp/taken.*`

	// Administrators set such timeouts for applications. A session that waits for the lock waits longer.
	shortTimeouts = `psql --username=postgres --set=ON_ERROR_STOP=1 \
			--command="ALTER ROLE postgres SET statement_timeout = '200ms'" --command="ALTER ROLE postgres SET lock_timeout = '200ms'" \
			--command="ALTER ROLE postgres SET idle_in_transaction_session_timeout = '200ms'" --command="ALTER ROLE postgres SET idle_session_timeout = '200ms'"
		` + withoutTimeouts + ` psql --username=postgres --command="BEGIN; LOCK TABLE pg_authid IN EXCLUSIVE MODE; SELECT pg_sleep(2)" </dev/null >/dev/null 2>&1 &
		sleep 0.3`
	longTimeouts = withoutTimeouts + ` psql --username=postgres --command="ALTER ROLE postgres RESET ALL"`

	// A session has these from its beginning.
	withoutTimeouts = `PGOPTIONS="-c statement_timeout=0 -c lock_timeout=0 -c idle_in_transaction_session_timeout=0 -c idle_session_timeout=0"`
)

// newTroubledDatabase deploys the lesson's database with a server that restarts in its container. Its disk is small if it is to be filled,
// and otherwise outlives the Pod.
func newTroubledDatabase(t *testing.T, trouble serverTrouble) *fixture {
	t.Helper()
	f := newNamespace(t)
	changes := []harness.Change{withoutApplication, supervised}
	if trouble.small {
		changes = append(changes, harness.WithoutClaim, onSmallDisk)
	}
	require.NoError(t, f.ApplyLesson(f.ctx, changes...))
	f.rollout("statefulset/" + lesson.Database)
	return f
}

// withoutApplication leaves the lesson's application without Pods.
func withoutApplication(object *unstructured.Unstructured) error {
	if object.GetKind() != "Deployment" {
		return nil
	}
	return unstructured.SetNestedField(object.Object, int64(0), "spec", "replicas")
}

// supervised starts the lesson's server again in its container.
func supervised(object *unstructured.Unstructured) error {
	if object.GetKind() != "StatefulSet" {
		return nil
	}
	if err := unstructured.SetNestedField(
		object.Object, int64(1), "spec", "template", "spec", "terminationGracePeriodSeconds",
	); err != nil {
		return err
	}
	return harness.ChangeServer(object, func(server map[string]any) {
		server["command"] = []any{
			"bash", "-c",
			fmt.Sprintf("while true; do docker-entrypoint postgres -c max_connections=%d & wait $!; done", connections),
		}
	})
}

// onSmallDisk gives the lesson's server a disk that is soon full.
func onSmallDisk(object *unstructured.Unstructured) error {
	if object.GetKind() != "StatefulSet" {
		return nil
	}
	disk := map[string]any{"name": "data", "emptyDir": map[string]any{"medium": "Memory", "sizeLimit": "160Mi"}}
	return unstructured.SetNestedSlice(object.Object, []any{disk}, "spec", "template", "spec", "volumes")
}

// inServer runs a shell script as root in the server's container.
func (f *fixture) inServer(script string) error {
	_, err := f.Kubectl("exec", lesson.DatabasePod, "--container="+lesson.Container, "--", "sh", "-c", script).Output(f.ctx)
	return err
}

// recover ends the trouble and waits until the server works.
func (f *fixture) recover(trouble serverTrouble) {
	f.t.Helper()
	if trouble.mend != "" {
		require.NoError(f.t, f.inServer(trouble.mend))
	}
	f.rollout("statefulset/" + lesson.Database)
	f.eventually("the server works", func() bool {
		rows, err := f.AdminSQL(f.ctx, "SELECT count(*) < 3 FROM pg_stat_activity WHERE backend_type = 'client backend'")
		return err == nil && rows == "t"
	})
}
