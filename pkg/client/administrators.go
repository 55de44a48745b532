package client

import (
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
)

// Administrators selects the administrator for each server that metadata names. A password is sent only to the server that the user
// named.
type Administrators struct {
	User string // of every server

	password string
	pods     map[types.UID]bool // of the named server
}

// NewAdministrators returns an administrator whose password is for the server of these candidates alone.
func NewAdministrators(admin Administrator, candidates []*server.Database) *Administrators {
	a := &Administrators{User: admin.User, password: admin.Password, pods: map[types.UID]bool{}}
	for _, d := range candidates {
		a.pods[d.Pod.UID] = true
	}
	return a
}

// Of returns the administrator of a server.
func (a *Administrators) Of(d *server.Database) Administrator {
	if a.pods[d.Pod.UID] {
		return Administrator{User: a.User, Password: a.password}
	}
	return Administrator{User: a.User}
}
