package cmd

import (
	"context"
	"errors"
	"io"

	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/credentials"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/target"
)

// administrators selects the administrator for each server that metadata names. A password is sent only to the server that the user
// named.
type administrators struct {
	user, password string
	pods           map[types.UID]bool // of the named server
}

func (a *administrators) of(d *target.Database) administrator {
	if a.pods[d.Pod.UID] {
		return administrator{a.user, a.password}
	}
	return administrator{user: a.user}
}

// errUnnamed refuses to send a password to a server that the user did not name.
var errUnnamed = errors.New("--admin-password-from needs --postgres: the password is sent only to a database that you name")

// administrators reads the administrator's password, if there is one, for the server that ref names.
func (f *databaseFlags) administrators(ctx context.Context, c *clients, ref target.Ref, stdin io.Reader) (*administrators, error) {
	a := &administrators{user: f.adminUser, pods: map[types.UID]bool{}}
	if f.adminPassword == "" {
		return a, nil
	}
	source, err := named("--admin-password-from", f.adminPassword, credentials.ParsePasswordSource)
	if err != nil {
		return nil, err
	}
	reader := &credentials.Reader{Kube: c.kube, Stdin: stdin}
	if a.password, err = reader.Read(ctx, source, ref.Namespace); err != nil {
		return nil, err
	}
	candidates, err := target.NewFinder(c.kube).Candidates(ctx, ref, f.choice())
	for _, d := range candidates {
		a.pods[d.Pod.UID] = true
	}
	return a, err
}
