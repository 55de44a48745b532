package defaults

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/report"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
)

var errDatabases = errors.New("name one with --dbname")

// login is what the databases that an administrator finds depend on.
type login struct {
	address
	user, password string
}

// database chooses the database.
func (c *completion) database(ctx context.Context) error {
	if c.spec.DBName != "" {
		return nil
	}
	if own, err := c.databaseOfBinding(ctx); own != "" || err != nil {
		c.spec.DBName = own
		return err
	}
	value, source, err := c.named(ctx, dbname)
	if err != nil {
		return err
	}
	if value != "" {
		c.spec.DBName = value
		c.notify(fmt.Sprintf("using database %s: %s", value, source))
		return nil
	}
	return c.findDatabase(ctx)
}

// databaseOfBinding returns the database of the workload's only binding, if it is on the server of the spec.
func (c *completion) databaseOfBinding(ctx context.Context) (string, error) {
	if c.own == nil || c.own.DBName == "" {
		return "", nil
	}
	if !c.isOwnServer() {
		if err := c.find(ctx); err != nil {
			return "", err
		}
	}
	if !c.isOwnServer() {
		return "", nil
	}
	if c.own.DBName != v1alpha1.DefaultDBName {
		c.notify(fmt.Sprintf("using database %s: the binding in secret/%s", c.own.DBName, c.own.Secret))
	}
	return c.own.DBName, nil
}

// isOwnServer reports whether the spec names the server of the workload's only binding, as far as it is known without a request.
func (c *completion) isOwnServer() bool {
	ref, err := c.ref()
	own, errOwn := c.ownRef()
	return err == nil && errOwn == nil && ref == own || len(c.found) > 0 && c.found[0].Location == c.own.Location
}

// find finds the candidates of the server.
func (c *completion) find(ctx context.Context) error {
	if c.found != nil {
		return nil
	}
	ref, err := c.ref()
	if err != nil {
		return err
	}
	key := address{ref, server.ChoiceOf(c.spec)}
	c.found, err = c.candidates.get(key, func() ([]*server.Endpoint, error) { return c.Servers.Candidates(ctx, key.ref, key.choice) })
	return err
}

// findDatabase takes postgres on the default server, and else the only other database of the server.
func (c *completion) findDatabase(ctx context.Context) error {
	ref, err := c.ref()
	if err != nil {
		return err
	}
	if ref.String() == v1alpha1.DefaultPostgres {
		c.spec.DBName = v1alpha1.DefaultDBName
		return nil
	}
	if err := c.find(ctx); err != nil {
		return err
	}
	isDefault := func(e *server.Endpoint) bool { return server.KindPod+"/"+e.Pod.Name == v1alpha1.DefaultPostgres }
	if slices.ContainsFunc(c.found, isDefault) {
		c.spec.DBName = v1alpha1.DefaultDBName
		return nil
	}
	key := login{address{ref, server.ChoiceOf(c.spec)}, c.spec.AdminUser, c.AdminPassword}
	c.spec.DBName, err = c.databases.get(key, func() (string, error) { return c.pickDatabase(ctx, ref) })
	return err
}

// pickDatabase returns the only database that is not postgres or a template, or the one that the user chooses.
func (c *completion) pickDatabase(ctx context.Context, ref server.Ref) (string, error) {
	contents, err := c.Databases(c.found[0], c.spec.WithDefaults(c.Namespace), c.AdminPassword).Databases(ctx) // a standby has the same
	if err != nil {
		return "", fmt.Errorf("find the databases of %s in namespace %s (or use --dbname): %w", ref, ref.Namespace, err)
	}
	names := contents.Databases
	others := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return name == v1alpha1.DefaultDBName })
	switch {
	case len(others) == 1:
		c.notify(fmt.Sprintf("using database %s: the only one of %s that is not postgres", others[0], ref))
		return others[0], nil
	case len(others) == 0 && len(names) == 0:
		return "", fmt.Errorf("%s in namespace %s has no database that accepts connections: name one with --dbname", ref, ref.Namespace)
	case len(others) == 0:
		c.notify(fmt.Sprintf("using database postgres: %s has no other", ref))
		return v1alpha1.DefaultDBName, nil
	}
	options := make([]option, len(others))
	for i, name := range others {
		options[i].value = name
	}
	i, err := c.choose(
		ctx,
		question{fmt.Sprintf("%s in namespace %s has %d databases", ref, ref.Namespace, len(others)), errDatabases, "--dbname", options},
	)
	if err != nil {
		return "", err
	}
	return others[i], nil
}

// flagWith returns a flag with its value, quoted for a shell.
func flagWith(flag, value string) string { return report.Command(flag + "=" + value) }
