// Package secret names the roles and Secrets of a binding, generates its password, and reads and writes its Secret.
package secret

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"regexp"
	"strings"

	"k8s.io/apimachinery/pkg/types"
)

// ID returns a binding's identity. It is the same for the same workload, server and database, so that a run finds what an interrupted
// run created. location is server.Database.Location. The owner container of a workload has a binding of its own.
func ID(workload types.UID, location, database string, owner bool) string {
	parts := []string{"pgbind/v1", string(workload), location, database}
	if owner {
		parts = append(parts, "owner")
	}
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
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

// NameForDefaultPostgres is the default name of the Secret of the first binding on v1alpha1.DefaultPostgres. postgresql-secret-1 is the
// administrator's Secret.
const NameForDefaultPostgres = "postgresql-secret-2"

// DefaultName returns the default name of the Secret of a workload's first binding.
func DefaultName(workload string) string { return workload + "-pgbind" }

// FurtherName returns the default name of the Secret of another binding of the workload. The name of the database is
// adapted to what Secrets accept.
func FurtherName(workload, database string) string {
	accepted := regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(database), "-")
	return strings.TrimRight(DefaultName(workload)+"-"+strings.TrimLeft(accepted, "-"), "-")
}

// OwnerName returns the default name of the Secret of an owner container. name is that of the other containers.
func OwnerName(name string) string { return name + "-owner" }
