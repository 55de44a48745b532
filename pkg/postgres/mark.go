package postgres

import (
	"crypto/sha256"
	"encoding/base32"
	"slices"
	"strconv"
	"strings"
)

const markVersion = "pgbind/v1"

// Owner identifies the binding of a login role. The comment on the role contains it, and every role of the server can read the comment.
type Owner struct {
	ID           string // of the binding
	Run          string // of the run that last set the role's password
	Namespace    string // of the workload
	NamespaceUID string // empty if the user cannot read the Namespace

	// OID is the OID of the role if it was read before, so that another role of the same name does not count. 0: any
	// role. It is not part of the comment.
	OID int64
}

// claim returns the part of the comment that proves that a role belongs to this binding.
func (o Owner) claim() string {
	return markVersion + " id=" + o.ID + " namespace=" + o.Namespace + " "
}

// oid returns OID for the scripts.
func (o Owner) oid() string { return strconv.FormatInt(o.OID, 10) }

func (o Owner) mark() string {
	return o.claim() + "uid=" + o.NamespaceUID + " run=" + o.Run
}

// Role returns the name of the owner role, which owns what login roles of level readonly and readwrite left behind.
func (o Owner) Role() string { return "pgbind_owner_" + digest(o.ID, o.Namespace) }

// roleClaim returns the part of the comment that proves that an owner role belongs to this binding.
func (o Owner) roleClaim() string {
	return markVersion + " owner=" + o.ID + " namespace=" + o.Namespace + " "
}

// parseOwner parses the comment on a login role. ok is false if pgbind did not write it.
func parseOwner(comment string) (o Owner, ok bool) {
	words := strings.Fields(comment)
	if len(words) == 0 || words[0] != markVersion {
		return Owner{}, false
	}
	for _, word := range words[1:] {
		name, value, _ := strings.Cut(word, "=")
		switch name {
		case "id":
			o.ID = value
		case "namespace":
			o.Namespace = value
		case "uid":
			o.NamespaceUID = value
		case "run":
			o.Run = value
		}
	}
	return o, o.ID != "" && o.Namespace != ""
}

// Access is what an access role grants: a level on schemas of one database.
type Access struct {
	Database string
	Schemas  []string // at least one, in any order
	Level    Level
	Isolated string // the ID of the only binding of the role; empty: bindings share the role
}

// Role returns the name of the access role. It is a plain identifier, readable, and different for each database, schema and level.
func (a Access) Role() string {
	words := []string{"pgbind", plain(a.Database), plain(strings.Join(a.sorted(), "_")), string(a.Level)}
	key := append([]string{a.Database, string(a.Level), a.Isolated}, a.sorted()...)
	return strings.Join(append(words, digest(key...)), "_")
}

func (a Access) sorted() []string { return slices.Sorted(slices.Values(a.Schemas)) }

// claim returns the part of the comment that proves that pgbind created the access role, and for what. The scripts read its second and
// third word.
func (a Access) claim() string {
	keys := make([]string, len(a.Schemas))
	for i, schema := range a.sorted() {
		keys[i] = a.schemaKey(schema)
	}
	return markVersion + " access=" + string(a.Level) + " on=" + strings.Join(keys, ",") + " "
}

func (a Access) mark(run string) string {
	if a.Isolated != "" {
		return a.claim() + isolatedWord + "run=" + run
	}
	return a.claim() + "run=" + run
}

// isolatedWord is in the comment of an access role that belongs to one binding. No other role is granted privileges on what it owns.
const isolatedWord = "isolated=true "

func (a Access) schemaKey(schema string) string { return digest(a.Database, schema) }

// digest returns a hash of words with ten characters that a plain identifier can contain.
func digest(words ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(words, "\x00")))
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:])[:10])
}

// plain returns the characters of a name that an unquoted identifier can contain, at most 16.
func plain(name string) string {
	kept := strings.Map(func(r rune) rune {
		if r == '_' || r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, strings.ToLower(name))
	return kept[:min(len(kept), 16)]
}
