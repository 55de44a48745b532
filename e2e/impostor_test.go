//go:build e2e

package e2e

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
)

// impostor is a server that accepts every login and answers each query as if it were a COPY, so that psql sends it the rest of its script.
// It records what it gets.
const impostor = `
use strict; use warnings; use IO::Socket::INET;
$SIG{CHLD} = 'IGNORE';
my $server = IO::Socket::INET->new(LocalPort => 5432, Listen => 5, ReuseAddr => 1) or die;
sub take { my ($from, $length) = @_; my $all = ''; while (length $all < $length) { read($from, my $some, $length - length $all) or exit; $all .= $some } $all }
while (my $client = $server->accept) {
	next if fork;
	binmode $client;
	$client->autoflush(1);
	while (1) {
		my $startup = take($client, unpack('N', take($client, 4)) - 4);
		last unless unpack('N', $startup) == 80877103;
		print $client 'N';
	}
	print $client 'R', pack('NN', 8, 0), 'Z', pack('N', 5), 'I';
	open my $log, '>>', '/tmp/taken' or die;
	$log->autoflush(1);
	while (1) {
		my $kind = take($client, 1);
		my $text = take($client, unpack('N', take($client, 4)) - 4);
		print $log $text if $kind eq 'd';
		print $client 'G', pack('NCn', 7, 0, 0) if $kind eq 'Q';
		print $client 'C', pack('N', 11), "COPY 0\0", 'Z', pack('N', 5), 'I' if $kind eq 'c';
		exit if $kind eq 'X';
	}
}
`

// TestNoOtherPasswordReachesAServerThatASecretNames lets one of three bindings name the impostor, which gets the rest of the script that
// tries all logins.
func TestNoOtherPasswordReachesAServerThatASecretNames(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.apply(f.bindings(t.TempDir(), f.manyLabelled(3)...))
	f.startPostgres(
		databasePod("impostor", corev1.Container{Name: "impostor", Image: databaseImage, Command: []string{"perl", "-e", impostor}}),
	)
	secrets := f.boundSecrets()
	require.Len(t, secrets, 3)
	var passwords []string
	for i, name := range secrets {
		secrets[i] = strings.TrimPrefix(name, "secret/")
		passwords = append(passwords, f.login(secrets[i]).Password)
	}
	for _, name := range secrets {
		own := f.login(name).Host
		f.kubectl("patch", "secret", name, "--patch={\"stringData\":{\"POSTGRES_HOST\":\"impostor."+f.Name+".svc.cluster.local\"}}")
		f.run(f.Pgbind("check"))
		f.kubectl("patch", "secret", name, "--patch={\"stringData\":{\"POSTGRES_HOST\":\""+own+"\"}}")
	}
	taken := f.run(f.inPod("impostor", "cat /tmp/taken")).Stdout
	assert.Contains(t, taken, `\setenv PGPASSWORD`, "psql sends what is left of its script, or this proves nothing")
	for _, password := range passwords {
		assert.False(t, strings.Contains(taken, password), "a password of another binding") //nolint:testifylint // Contains would print it
	}
	f.check(0)
}
