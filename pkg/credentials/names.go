// Package credentials gives a binding its names and its password, and writes and reads the Secret that hands them over.
package credentials

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/types"
)

// ID is a binding's identity: the same for the same workload, server and database, so that a run that died finds its own work again.
// location is the server's, as package target gives it.
func ID(workload types.UID, location, database string) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{"pgbind/v1", string(workload), location, database}, "\x00")))
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:])[:12])
}

// Identity is what a workload, named as kubectl prints it, keeps for its life. A bare Pod is replaced by its equal, so that its name counts,
// and nothing that only some users may read.
func Identity(namespace, workload string, uid types.UID) types.UID {
	if strings.HasPrefix(workload, "pod/") {
		return types.UID(namespace + "/" + workload)
	}
	return uid
}

// RoleName is the login role's name: it tells nobody anything and needs no quoting, neither in SQL nor in a connection string.
// A rotation counts the generation up from 1.
func RoleName(id string, generation int) string {
	return fmt.Sprintf("pgb_%s_%d", id, generation)
}

// NewRun names one run of the program, so that it can take back what it made itself and nothing else.
func NewRun() string { return strings.ToLower(rand.Text()[:12]) }

// NewPassword draws a password of 128 bits or more, letters and digits only: some applications join it into a connection string unquoted.
func NewPassword() string { return rand.Text() }

// FirstSecretName is the first of SecretNames.
const FirstSecretName = "postgresql-secret-2" //nolint:gosec // a name, not a credential

// SecretName is the default name of a number, counted from 1. The administrator's own Secret is the one before.
func SecretName(number int) string { return fmt.Sprintf("postgresql-secret-%d", number+1) }

// SecretNames yields the default names of Secrets: postgresql-secret-2, -3 and so on.
func SecretNames(yield func(string) bool) {
	for n := 1; yield(SecretName(n)); n++ {
	}
}
