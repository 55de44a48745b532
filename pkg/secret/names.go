// Package secret names the roles and Secrets of a binding, generates its password, and reads and writes its Secret.
package secret

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/types"
)

// ID returns a binding's identity. It is the same for the same workload, server and database, so that a run finds what an interrupted
// run created. location is Database.Location of package target.
func ID(workload types.UID, location, database string) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{"pgbind/v1", string(workload), location, database}, "\x00")))
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:])[:12])
}

// Identity returns what identifies a workload for its whole life. For a bare Pod this is the name, because a replaced Pod has another
// UID. It needs nothing that requires additional permissions.
func Identity(namespace, workload string, uid types.UID) types.UID {
	if strings.HasPrefix(workload, "pod/") {
		return types.UID(namespace + "/" + workload)
	}
	return uid
}

// RoleName returns the name of a login role. It reveals nothing and needs no quotes in SQL or in a connection string.
// Generations count from 1; a rotation increments the generation.
func RoleName(id string, generation int) string {
	return fmt.Sprintf("pgb_%s_%d", id, generation)
}

// NewRun returns the name of one run of the program, so that it rolls back only what it created itself.
func NewRun() string { return strings.ToLower(rand.Text()[:12]) }

// NewPassword returns a random password of at least 128 bits. It has only letters and digits, because some applications put it into a
// connection string without quotes.
func NewPassword() string { return rand.Text() }

// FirstSecretName is the first of DefaultNames.
const FirstSecretName = "postgresql-secret-2" //nolint:gosec // a name, not a credential

// DefaultName returns the default name with a number, counted from 1. postgresql-secret-1 is the administrator's Secret.
func DefaultName(number int) string { return fmt.Sprintf("postgresql-secret-%d", number+1) }

// DefaultNames yields the default names of Secrets: postgresql-secret-2, -3 and so on.
func DefaultNames(yield func(string) bool) {
	for n := 1; yield(DefaultName(n)); n++ {
	}
}
