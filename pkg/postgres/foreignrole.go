package postgres

import (
	"cmp"
	"fmt"
	"strings"
)

// ForeignRoleError reports that a role of the required name exists and does not belong to the binding.
type ForeignRoleError struct {
	Role    string
	Verdict string // privileged, administered, foreign; of a role to adopt also noinherit, group, member or commented
	Why     string // the attributes of a privileged role

	Administrators []Administrator // of an administered role
}

// Administrator is a role with the ADMIN option on another one.
type Administrator struct {
	Role    string `json:"role"`
	Creates bool   `json:"creates"` // it can create roles, so that it is an administrator of the server
	Revoke  string `json:"revoke"`  // the statement that ends this
}

// administered returns the text for a role that another role administers.
func (e *ForeignRoleError) administered() string {
	var names []string
	for _, a := range e.Administrators {
		if !a.Creates {
			return fmt.Sprintf("role %q cannot be used, because role %q holds the ADMIN option on it and is no administrator: "+
				"end that with %s", e.Role, a.Role, a.Revoke)
		}
		names = append(names, a.Role)
	}
	return fmt.Sprintf("role %q was created by another administrator, %s: use that one with --admin-user=%s, or a superuser",
		e.Role, strings.Join(names, ", "), names[0])
}

func (e *ForeignRoleError) Error() string {
	if len(e.Administrators) > 0 && e.Verdict == "administered" {
		return e.administered()
	}
	reason := map[string]string{
		"privileged":   "it has attributes that no binding grants: " + cmp.Or(e.Why, "unknown"),
		"administered": "another role holds the ADMIN option on it",
		"noinherit":    "it does not inherit the privileges of its access role: change it with ALTER ROLE ... INHERIT",
		"group":        "other roles are members of it",
		"member":       "it is a member of a role with attributes that no binding grants, or of a role of PostgreSQL",
		"commented":    "it has another comment, which would be lost: if no other binding uses the role, remove the comment with COMMENT ON ROLE ... IS NULL",
	}[e.Verdict]
	if reason == "" {
		reason = "its comment does not name this binding"
	}
	return fmt.Sprintf(
		"role %q exists and does not belong to this binding (%s): look at it with \\du+ in psql, and rename or drop it",
		e.Role, reason,
	)
}
