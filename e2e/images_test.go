//go:build e2e

package e2e

import (
	"cmp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// layout is how an image or a Pod differs from the lesson's, as far as programs in it notice.
type layout struct {
	name     string
	change   func(pod *corev1.Pod)
	database string // of the application; empty: postgres
}

// configuration is a volume of the layouts: files that a program finds without being asked to.
const configuration = "/configuration"

func layouts() []layout {
	return []layout{
		{name: "variables of libpq", change: hostileVariables},
		{name: "start-up files", change: startupFiles},
		{name: "bash that traces", change: tracingShell},
		{name: "busybox alone", change: busybox},
		{name: "busybox alone, and an administrator by his name in the system", change: busyboxPeer},
		{name: "busybox alone, a random user and a read-only file system", change: busyboxRandomUser},
		{name: "messages in German", change: german},
		{name: "messages in Japanese", change: japanese},
		{name: "a random user and a read-only file system", change: randomUser},
		{name: "a socket in a folder of its own", change: ownSocket},
		{name: "no socket", change: noSocket},
		{name: "an administrator of another name", change: otherAdministrator},
		{name: "no database postgres", change: noDatabase, database: "shop"},
		{name: "a password of Spilo", change: spiloPassword},
		{name: "a native sidecar", change: nativeSidecar},
		{name: "one of two native sidecars, with no port", change: twoSidecars},
	}
}

// libpqVariables returns a value for each environment variable of libpq that would prevent, redirect or change a connection.
func libpqVariables() map[string]string {
	return map[string]string{
		"PGHOSTADDR": "203.0.113.1", "PGUSER": "nobody", "PGDATABASE": "nowhere", "PGPASSFILE": configuration + "/key",
		"PGREQUIREAUTH": "gss", "PGCHANNELBINDING": "require", "PGSERVICE": "missing", "PGSERVICEFILE": configuration + "/service",
		"PGOPTIONS": "-c default_transaction_read_only=on -c search_path=evil", "PGAPPNAME": "somebody", "PGSSLMODE": "verify-full",
		"PGREQUIRESSL": "1", "PGSSLCOMPRESSION": "1", "PGSSLNEGOTIATION": "direct", "PGSSLCERT": configuration + "/key",
		"PGSSLKEY": configuration + "/key", "PGSSLCERTMODE": "require", "PGSSLROOTCERT": "/nowhere", "PGSSLCRL": "/nowhere",
		"PGSSLCRLDIR": "/nowhere", "PGSSLSNI": "0", "PGREQUIREPEER": "nobody", "PGSSLMINPROTOCOLVERSION": "TLSv1.3",
		"PGSSLMAXPROTOCOLVERSION": "TLSv1", "PGGSSENCMODE": "require", "PGKRBSRVNAME": "nobody", "PGGSSDELEGATION": "1",
		"PGCONNECT_TIMEOUT": "never", "PGCLIENTENCODING": "SJIS", "PGTARGETSESSIONATTRS": "standby", "PGLOADBALANCEHOSTS": "random",
		"PGMINPROTOCOLVERSION": "3.2", "PGMAXPROTOCOLVERSION": "3.0", "PGDATESTYLE": "German", "PGTZ": "Asia/Kolkata", "PGGEQO": "off",
		"PGSYSCONFDIR": configuration, "PGLOCALEDIR": "/nowhere", "LANG": "de_DE.UTF-8", "LC_ALL": "ja_JP.UTF-8",
		"PSQL_PAGER": "false", "PAGER": "false", "PSQL_WATCH_PAGER": "false", "PG_COLOR": "always", "PSQL_EDITOR": "false",
	}
}

// hostileVariables gives a container variables that the server itself does not have.
func hostileVariables(pod *corev1.Pod) {
	database, without := &pod.Spec.Containers[0], []string{}
	for name, value := range libpqVariables() {
		database.Env = append(database.Env, corev1.EnvVar{Name: name, Value: value})
		without = append(without, "-u "+name)
	}
	database.Command = []string{"sh", "-c", "exec env " + strings.Join(without, " ") + " docker-entrypoint postgres"}
}

// startupFiles has a psqlrc in each place that psql looks at.
func startupFiles(pod *corev1.Pod) {
	database := &pod.Spec.Containers[0]
	database.Env = append(
		database.Env, corev1.EnvVar{Name: "HOME", Value: configuration}, corev1.EnvVar{Name: "PSQLRC", Value: configuration + "/.psqlrc"},
		corev1.EnvVar{Name: "PGSYSCONFDIR", Value: configuration}, corev1.EnvVar{Name: "ENV", Value: configuration + "/profile"},
		corev1.EnvVar{Name: "BASH_ENV", Value: configuration + "/profile"},
	)
}

// tracingShell has bash as sh, which prints every command that it runs.
func tracingShell(pod *corev1.Pod) {
	database := &pod.Spec.Containers[0]
	programs := corev1.VolumeMount{Name: "programs", MountPath: "/programs"}
	pod.Spec.Volumes = append(pod.Spec.Volumes, emptyDir(programs.Name))
	pod.Spec.InitContainers = append(pod.Spec.InitContainers, corev1.Container{
		Name: "bash", Image: database.Image, Command: []string{"ln", "-s", "/bin/bash", "/programs/sh"},
		VolumeMounts: []corev1.VolumeMount{programs},
	})
	database.VolumeMounts = append(database.VolumeMounts, programs)
	database.Command = []string{"/bin/bash", "-c", "exec env -u SHELLOPTS docker-entrypoint postgres"}
	database.Env = append(
		database.Env,
		corev1.EnvVar{Name: "SHELLOPTS", Value: "xtrace:verbose"},
		corev1.EnvVar{
			Name:  "PATH",
			Value: "/programs:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/lib/postgresql/17/bin",
		},
	)
}

// extrasImage has busybox, and messages in other languages.
const extrasImage = "postgres-extras:17"

// busybox has no programs but those of PostgreSQL and busybox, which is also /bin/sh.
func busybox(pod *corev1.Pod) {
	database := &pod.Spec.Containers[0]
	programs := corev1.VolumeMount{Name: "programs", MountPath: "/programs"}
	pod.Spec.Volumes = append(pod.Spec.Volumes, emptyDir(programs.Name))
	pod.Spec.InitContainers = append(pod.Spec.InitContainers, corev1.Container{
		Name: "busybox", Image: extrasImage, VolumeMounts: []corev1.VolumeMount{programs},
		Command: []string{"sh", "-c", "mkdir /programs/bin && busybox --install -s /programs/bin && cp /usr/bin/busybox /programs/sh"},
	})
	database.VolumeMounts = append(
		database.VolumeMounts, programs, corev1.VolumeMount{Name: programs.Name, MountPath: "/bin/sh", SubPath: "sh"},
	)
	database.Image = extrasImage
	if len(database.Command) == 0 {
		database.Command = []string{"/bin/bash", "-c", `PATH=/usr/local/bin:/usr/sbin:/usr/bin:/bin:$PATH exec docker-entrypoint postgres`}
	}
	database.Env = append(database.Env, corev1.EnvVar{Name: "PATH", Value: "/programs/bin:/usr/lib/postgresql/17/bin"})
}

// busyboxPeer lets only the user of the system log in, to whom busybox cannot switch as other programs do.
func busyboxPeer(pod *corev1.Pod) {
	busybox(pod)
	database := &pod.Spec.Containers[0]
	database.Env = append(database.Env, corev1.EnvVar{Name: "POSTGRES_INITDB_ARGS", Value: "--auth-local=peer --auth-host=reject"})
}

func busyboxRandomUser(pod *corev1.Pod) {
	randomUser(pod)
	busybox(pod)
}

func german(pod *corev1.Pod)   { speaks(pod, "de_DE.UTF-8") }
func japanese(pod *corev1.Pod) { speaks(pod, "ja_JP.UTF-8") }

// speaks has a server, and programs in its container, with messages in the language of the locale.
func speaks(pod *corev1.Pod, locale string) {
	database := &pod.Spec.Containers[0]
	database.Image = extrasImage
	database.Env = append(database.Env, corev1.EnvVar{Name: "LC_ALL", Value: locale})
}

// randomUser runs the server as a user without a name and without a home directory, on a file system that only the folders of the data
// and of the socket can be written in.
func randomUser(pod *corev1.Pod) {
	const user = 1000730000
	database := &pod.Spec.Containers[0]
	data, socket := corev1.VolumeMount{Name: "data", MountPath: "/data"}, corev1.VolumeMount{Name: "socket", MountPath: "/tmp"}
	pod.Spec.Volumes = append(pod.Spec.Volumes, emptyDir(data.Name), emptyDir(socket.Name))
	pod.Spec.InitContainers = append(pod.Spec.InitContainers, corev1.Container{
		Name: "initdb", Image: database.Image, VolumeMounts: []corev1.VolumeMount{data},
		Command: []string{"sh", "-c", `mkdir /data/pg && chown postgres /data/pg &&
			setpriv --reuid=postgres --regid=postgres --clear-groups initdb --username=postgres --auth-host=scram-sha-256 --auth-local=trust /data/pg &&
			echo 'host all all all scram-sha-256' >>/data/pg/pg_hba.conf && chown -R 1000730000 /data/pg`},
	})
	database.VolumeMounts = append(database.VolumeMounts, data, socket)
	database.Command = []string{"postgres", "-D", "/data/pg", "-c", "listen_addresses=*", "-c", "unix_socket_directories=/tmp"}
	database.SecurityContext = &corev1.SecurityContext{
		RunAsUser: new(int64(user)), RunAsGroup: new(int64(0)), ReadOnlyRootFilesystem: new(true),
	}
	pod.Spec.SecurityContext = &corev1.PodSecurityContext{FSGroup: new(int64(user))}
}

// ownSocket has the socket where only the server's arguments say.
func ownSocket(pod *corev1.Pod) {
	database := &pod.Spec.Containers[0]
	database.Args = []string{"postgres", "-c", "unix_socket_directories=/sockets"}
	database.VolumeMounts = append(database.VolumeMounts, corev1.VolumeMount{Name: "sockets", MountPath: "/sockets"})
	pod.Spec.Volumes = append(pod.Spec.Volumes, emptyDir("sockets"))
	pod.Spec.SecurityContext = &corev1.PodSecurityContext{FSGroup: new(int64(postgresUser))}
}

func noSocket(pod *corev1.Pod) {
	pod.Spec.Containers[0].Args = []string{"postgres", "-c", "unix_socket_directories="}
}

func otherAdministrator(pod *corev1.Pod) {
	pod.Spec.Containers[0].Env = append(pod.Spec.Containers[0].Env, corev1.EnvVar{Name: "POSTGRES_USER", Value: "jira"})
}

// noDatabase drops the database postgres after the start. The one of the application is shop.
func noDatabase(pod *corev1.Pod) {
	database := &pod.Spec.Containers[0]
	database.Env = append(database.Env, corev1.EnvVar{Name: "POSTGRES_DB", Value: "shop"})
	drop := []string{
		"sh",
		"-c",
		`until PGPASSWORD=$POSTGRES_PASSWORD psql --host=127.0.0.1 --username=postgres --dbname=template1 --command='DROP DATABASE postgres'
		do sleep 1; done`,
	}
	database.Lifecycle = &corev1.Lifecycle{PostStart: &corev1.LifecycleHandler{Exec: &corev1.ExecAction{Command: drop}}}
}

// spiloPassword has Spilo's variables, and a server that asks everybody for a password.
func spiloPassword(pod *corev1.Pod) {
	database := &pod.Spec.Containers[0]
	database.Env[0].Name = "PGPASSWORD_SUPERUSER"
	database.Env = append(
		database.Env, corev1.EnvVar{Name: "PGUSER_SUPERUSER", Value: "postgres"},
		corev1.EnvVar{Name: "POSTGRES_INITDB_ARGS", Value: "--auth=scram-sha-256"},
	)
	database.Command = []string{"sh", "-c", `POSTGRES_PASSWORD=$PGPASSWORD_SUPERUSER exec docker-entrypoint postgres`}
}

// nativeSidecar runs the server in an init container that restarts always, and an application in the only other container.
func nativeSidecar(pod *corev1.Pod) {
	database := pod.Spec.Containers[0]
	database.RestartPolicy = new(corev1.ContainerRestartPolicyAlways)
	pod.Spec.InitContainers = append(pod.Spec.InitContainers, database)
	pod.Spec.Containers = []corev1.Container{{Name: "app", Image: appImage}}
}

// twoSidecars has a sidecar of another kind too. Only the image shows which one the server is.
func twoSidecars(pod *corev1.Pod) {
	pod.Spec.Containers[0].Ports = nil
	nativeSidecar(pod)
	other := corev1.Container{
		Name:          "other",
		Image:         "pgbouncer:dev",
		Command:       []string{"sleep", "infinity"},
		RestartPolicy: new(corev1.ContainerRestartPolicyAlways),
	}
	pod.Spec.InitContainers = append([]corev1.Container{other}, pod.Spec.InitContainers...)
}

// TestImages runs each command in containers whose environment, shell, files and user are unlike the lesson's.
func TestImages(t *testing.T) {
	t.Parallel()
	for _, l := range layouts() {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			newNamespace(t).testLayout(l)
		})
	}
}

func (f *fixture) testLayout(l layout) {
	const server = "--postgres=pod/database"
	t := f.t
	f.create(passwordSecret())
	f.create(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "configuration"}, Data: map[string]string{
		"key": "no key", "service": "[missing]\nhost=203.0.113.1\n", "profile": "echo noise; echo noise >&2; set -x\n",
		".psqlrc": "\\set ON_ERROR_STOP off\n\\pset format html\n\\timing on\nSELECT 1 / 0;\n\\echo pgbind {}\n",
		"psqlrc":  "\\set QUIET off\n\\pset null nothing\n\\set AUTOCOMMIT off\n",
	}})
	pod := postgresPod("database", "postgres:17", nil, func(pod *corev1.Pod) {
		pod.Spec.Volumes = append(pod.Spec.Volumes, corev1.Volume{Name: "configuration", VolumeSource: corev1.VolumeSource{
			ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "configuration"}},
		}})
		database := &pod.Spec.Containers[0]
		database.VolumeMounts = append(database.VolumeMounts, corev1.VolumeMount{Name: "configuration", MountPath: configuration})
		l.change(pod)
	})
	f.startPostgres(pod)
	f.idle("web")
	assert.Equal(t, "service/database\n", f.bind("servers", "-o", "name").Stdout)

	f.bind("deployment/web", server, "--expires=2099-12-31T23:59:59Z", "--secret=web")
	assert.Contains(t, f.bind("deployment/web").Stdout, "deployment.apps/web unchanged")
	f.requireHealthy()
	const expiry = "SELECT extract(epoch FROM rolvaliduntil)::bigint FROM pg_roles WHERE rolname = session_user"
	assert.Equal(t, "4102444799", f.answer(l, expiry))
	shown := f.bind("psql", "deployment/web", "--", "--no-align", "--tuples-only", "--command=SELECT session_user").Stdout
	assert.Contains(t, shown, f.login("web").Username)
	require.Less(t, f.run(f.Pgbind("audit")).Code, 2, "its findings are not errors")

	f.bind("rotate", "deployment/web", "--grace=0s")
	assert.Equal(t, "4102444799", f.answer(l, expiry))
	f.bind("unbind", "deployment/web", "--grace=0s", "--purge")
	f.requireNoSecrets()
}

// answer runs SQL with the login in the Secret, in an environment of its own.
func (f *fixture) answer(l layout, sql string) string {
	f.t.Helper()
	const script = `IFS= read -r PGPASSWORD; export PGPASSWORD; exec psql --no-psqlrc --quiet --no-align --tuples-only "$@"`
	login := f.login("web")
	answer, err := f.Kubectl(
		"exec",
		"--stdin",
		"database",
		"--container=database",
		"--",
		"env",
		"-i",
		"PATH=/usr/lib/postgresql/17/bin:/usr/bin:/bin",
		"bash",
		"-c",
		script,
		"bash",
		"--username="+login.Username,
		"--host=database",
		"--dbname="+cmp.Or(l.database, "postgres"),
		"--command="+sql,
	).Stdin(login.Password + "\n").Output(f.ctx)
	require.NoError(f.t, err)
	return strings.TrimSpace(answer)
}

// requireNoSecrets requires that no Secret of a binding is left.
func (f *fixture) requireNoSecrets() {
	f.t.Helper()
	names := f.kubectl("get", "secrets", "--selector=app.kubernetes.io/managed-by=kubectl-pgbind", "--output=name")
	assert.Empty(f.t, strings.TrimSpace(names))
}
