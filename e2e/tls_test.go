//go:build e2e

package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// certificate returns the certificate and the key of a server of that name, signed by a CA of its own.
func certificate(t *testing.T, name string) map[string][]byte {
	t.Helper()
	template := func(serial int64, name string) *x509.Certificate {
		return &x509.Certificate{
			SerialNumber: big.NewInt(serial),
			Subject:      pkix.Name{CommonName: name},
			NotBefore:    time.Now().Add(-time.Hour),
			NotAfter:     time.Now().Add(time.Hour),
		}
	}
	authority, server := template(1, "authority"), template(2, name)
	authority.IsCA, authority.BasicConstraintsValid, authority.KeyUsage = true, true, x509.KeyUsageCertSign
	server.DNSNames = []string{name}
	keys := make([]*ecdsa.PrivateKey, 2)
	for i := range keys {
		var err error
		keys[i], err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		require.NoError(t, err)
	}
	root, err := x509.CreateCertificate(rand.Reader, authority, authority, keys[0].Public(), keys[0])
	require.NoError(t, err)
	leaf, err := x509.CreateCertificate(rand.Reader, server, authority, keys[1].Public(), keys[0])
	require.NoError(t, err)
	key, err := x509.MarshalPKCS8PrivateKey(keys[1])
	require.NoError(t, err)
	encode := func(kind string, content []byte) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content})
	}
	return map[string][]byte{
		"ca.crt":  encode("CERTIFICATE", root),
		"tls.crt": encode("CERTIFICATE", leaf),
		"tls.key": encode("PRIVATE KEY", key),
	}
}

// encrypted starts a server that accepts no connection over the network without TLS.
func (f *fixture) encrypted(content map[string][]byte) {
	f.t.Helper()
	f.create(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "server-tls"}, Data: content})
	f.startPostgres(postgresPod("pg", "postgres:15", map[string]string{"POSTGRES_DB": "shop"}, func(pod *corev1.Pod) {
		owner, readable := int64(postgresUser), int32(0o640)
		pod.Spec.SecurityContext = &corev1.PodSecurityContext{FSGroup: &owner}
		pod.Spec.Volumes = append(pod.Spec.Volumes, corev1.Volume{Name: "tls", VolumeSource: corev1.VolumeSource{
			Secret: &corev1.SecretVolumeSource{SecretName: "server-tls", DefaultMode: &readable},
		}})
		database := &pod.Spec.Containers[0]
		database.VolumeMounts = append(database.VolumeMounts, corev1.VolumeMount{Name: "tls", MountPath: "/tls"})
		// For other clients of the container. pgbind must ignore it: the file is not the CA of the server's certificate.
		database.Env = append(database.Env, corev1.EnvVar{Name: "PGSSLROOTCERT", Value: "/tls/tls.crt"})
		database.Args = []string{"-c", "ssl=on", "-c", "ssl_cert_file=/tls/tls.crt", "-c", "ssl_key_file=/tls/tls.key"}
	}))
	_, err := f.inPod(
		"pg",
		`sed -i 's/^host *all *all *all/hostssl all all all/' "$PGDATA"/pg_hba.conf && psql --username=postgres --command='SELECT pg_reload_conf()'`,
	).Output(f.ctx)
	require.NoError(f.t, err)
}

// TestTLS binds to a server with TLS, and logs in from the workload with the files that it mounts from the Secret.
func TestTLS(t *testing.T) {
	t.Parallel()
	f := newNamespace(t)
	f.create(passwordSecret())
	host := "pg." + f.Name + ".svc.cluster.local"
	content := certificate(t, host)
	f.encrypted(content)
	t.Run("commands of the document", func(t *testing.T) {
		f := f.in(t)
		f.idle("web")
		f.follow(howTo("tls.md"))
	})
	for _, name := range []string{"plain", "strict"} {
		f.create(deployment(name, func(pod *corev1.PodSpec) {
			pod.Containers[0].Image, pod.Containers[0].Command = databaseImage, []string{"sleep", "infinity"}
			pod.TerminationGracePeriodSeconds = new(int64)
		}))
	}

	mounted := []string{"--postgres=pod/pg", "--inject=volume", "--mount-path=/login", "--key=uri"}
	f.bind(append(mounted, "deployment/plain")...)
	f.bind(append(mounted, "deployment/strict", "--sslmode=verify-full", "--ca-from=secret/server-tls:ca.crt")...)

	assert.True( //nolint:testifylint // Contains would print it
		t, strings.Contains(string(f.secret(secretOf("plain")).Data["POSTGRES_URI"]), "sslmode=require"),
		"the default is what the server offers",
	)
	assert.Equal(t, content["ca.crt"], f.secret(secretOf("strict")).Data["ca.crt"])
	for _, name := range []string{"plain", "strict"} {
		line := `psql --no-psqlrc --no-align --tuples-only --quiet --command='SET ROLE none' --command='SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()' "$(cat /login/POSTGRES_URI)"`
		assert.Equal(t, []string{"t"}, lines(f.inShell(name, line)), name)
	}
	specs := f.manyLabelled(3)
	for i := range specs {
		specs[i] += fmt.Sprintf(", postgres: pod/pg, keys: [uri], secret: one-of-many-%d", i)
	}
	f.apply(f.bindings(t.TempDir(), specs...))
	for i := range specs {
		uri := string(f.secret(fmt.Sprintf("one-of-many-%d", i)).Data["POSTGRES_URI"])
		assert.True( //nolint:testifylint // as above
			t, strings.Contains(uri, "sslmode=require"), "binding %d of those that share a session", i,
		)
	}
	f.create(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "next"}, Data: certificate(t, host)})
	f.bind(append(mounted, "deployment/strict", "--ca-from=secret/next:ca.crt")...)
	assert.Equal(t, f.secret("next").Data["ca.crt"], f.secret(secretOf("strict")).Data["ca.crt"], "the new CA replaces the old one")
	assert.True( //nolint:testifylint // as above
		t,
		strings.Contains(string(f.secret(secretOf("strict")).Data["POSTGRES_URI"]), "sslmode=verify-full"),
	)
	result := f.run(f.Pgbind("deployment/plain", "--postgres=pod/pg", "--ca-from=secret/server-tls:missing"))
	assert.Equal(t, 1, result.Code)
	assert.Contains(t, result.Stderr, "server-tls")
}
