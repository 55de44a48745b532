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
func NewAdministrators(admin Administrator, candidates []*server.Endpoint) *Administrators {
	a := &Administrators{User: admin.User, password: admin.Password, pods: map[types.UID]bool{}}
	for _, e := range candidates {
		a.pods[e.Pod.UID] = true
	}
	return a
}

// Of returns the administrator of a server.
func (a *Administrators) Of(e *server.Endpoint) Administrator {
	if a.pods[e.Pod.UID] {
		return Administrator{User: a.User, Password: a.password}
	}
	return Administrator{User: a.User}
}
