package postgres

import (
	"crypto/sha256"
	"encoding/base32"
	"slices"
	"strconv"
	"strings"
)

const markVersion = "pgbind/v1"

// Owner is whom a login role belongs to, as its comment says. Every login of the server can read it, so it holds nothing more.
type Owner struct {
	ID           string // of the binding
	Run          string // of the run that last set the role's password
	Namespace    string // of the workload
	NamespaceUID string // empty where the Namespace may not be read

	// OID is that of the role that is meant, if it was found before: a later role of the same name is as good as none. 0: any. No comment says it.
	OID int64
}

// claim is the part of the comment that proves that a role is this binding's.
func (o Owner) claim() string {
	return markVersion + " id=" + o.ID + " namespace=" + o.Namespace + " "
}

// oid is how the scripts read OID.
func (o Owner) oid() string { return strconv.FormatInt(o.OID, 10) }

func (o Owner) mark() string {
	return o.claim() + "uid=" + o.NamespaceUID + " run=" + o.Run
}

// Role is the name of the binding's owner role, which owns what its login roles of level readonly and readwrite left behind.
func (o Owner) Role() string { return "pgbind_owner_" + digest(o.ID, o.Namespace) }

// roleClaim is how the comment of the owner role begins.
func (o Owner) roleClaim() string {
	return markVersion + " owner=" + o.ID + " namespace=" + o.Namespace + " "
}

// parseOwner reads a login role's comment; ok is false where that is no mark of ours.
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

// Access names what an access role gives: a level on schemas of one database.
type Access struct {
	Database string
	Schemas  []string // at least one; their order does not matter to the role's name
	Level    Level
	Isolated string // a binding's id where the role is for that binding alone, else empty
}

// Role is the name of the access role: readable, a plain identifier, and unlike that of any other database, schema or level.
func (a Access) Role() string {
	words := []string{"pgbind", plain(a.Database), plain(strings.Join(a.sorted(), "_")), string(a.Level)}
	key := append([]string{a.Database, string(a.Level), a.Isolated}, a.sorted()...)
	return strings.Join(append(words, digest(key...)), "_")
}

func (a Access) sorted() []string { return slices.Sorted(slices.Values(a.Schemas)) }

// claim is the part of an access role's comment that proves that it is ours and for what. The scripts read its second and third word.
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

// isolatedWord is in the comment of an access role that one binding has for itself: nobody else gets anything on what the role owns.
const isolatedWord = "isolated=true "

func (a Access) schemaKey(schema string) string { return digest(a.Database, schema) }

// digest shortens words to ten characters of a plain identifier.
func digest(words ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(words, "\x00")))
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:])[:10])
}

// plain is what of a name may stand in an unquoted identifier, 16 characters at most.
func plain(name string) string {
	kept := strings.Map(func(r rune) rune {
		if r == '_' || r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, strings.ToLower(name))
	return kept[:min(len(kept), 16)]
}
