package defaults

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
)

// setting is a choice that a variable of the environment or an annotation of the Namespace can make.
type setting string

// The settings, by the last part of their annotations.
const (
	postgresRef setting = "postgres"
	dbname      setting = "dbname"
	access      setting = "access"
)

func (s setting) annotation() string { return "pgbind.dev/" + string(s) }

func (s setting) variable() string {
	return map[setting]string{postgresRef: "PGBIND_POSTGRES", dbname: "PGBIND_DBNAME", access: "PGBIND_ACCESS"}[s]
}

// check rejects invalid values.
func (s setting) check(value string) error {
	var err error
	switch s {
	case postgresRef:
		_, err = server.ParseRef(value, "")
	case access:
		_, err = postgres.ParseLevel(postgres.LevelName(value))
	case dbname:
	}
	return err
}

// named returns the value of a setting and where it is from; empty if nothing names it. The annotation of a Namespace counts for servers of
// that namespace only.
func (c *completion) named(ctx context.Context, s setting) (value, source string, err error) {
	if value = c.Getenv(s.variable()); value != "" {
		return value, s.variable(), checked(s, value, s.variable())
	}
	if s != access && c.serverNamespace() != c.Namespace {
		return "", "", nil
	}
	annotations, err := c.annotations(ctx)
	if value = annotations[s.annotation()]; value == "" || err != nil {
		return "", "", err
	}
	source = "annotation " + s.annotation() + " of namespace " + c.Namespace
	return value, source, checked(s, value, source)
}

func checked(s setting, value, source string) error {
	if err := s.check(value); err != nil {
		return fmt.Errorf("read %s: %w", source, err)
	}
	return nil
}

// annotations returns the annotations of the workload's Namespace, or none if it may not be read.
func (c *completion) annotations(ctx context.Context) (map[string]string, error) {
	return c.namespaces.get(c.Namespace, func() (map[string]string, error) {
		namespace, err := c.Kube.CoreV1().Namespaces().Get(ctx, c.Namespace, metav1.GetOptions{})
		if apierrors.IsForbidden(err) || apierrors.IsNotFound(err) {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read namespace %s: %w", c.Namespace, err)
		}
		return namespace.Annotations, nil
	})
}

// access chooses the access level. A binding that has more than the environment or the Namespace grants needs a
// decision: its annotations can be forged, and less would take privileges from a running application.
func (c *completion) access(ctx context.Context) error {
	if c.spec.IsOwner() {
		c.spec.Access = v1alpha1.DefaultAccess
	}
	if c.spec.Access != "" {
		return nil
	}
	level, source, err := c.named(ctx, access)
	if err != nil {
		return err
	}
	level = postgres.LevelName(level)
	own := ""
	if c.own != nil && !c.own.IsOwner() && c.own.DBName == c.spec.DBName && c.isOwnServer() {
		own = c.own.Access
	}
	if _, err := postgres.ParseLevel(own); err != nil {
		own = ""
	}
	switch {
	case own == "" && level != "":
		c.spec.Access = level
		c.notify(fmt.Sprintf("using access level %s: %s", level, source))
	case own != "" && level != "" && postgres.Level(own).Wider(postgres.Level(level)):
		return fmt.Errorf("the binding in secret/%s has access level %s, but the %s is %s: choose with --access=%[2]s or --access=%[4]s",
			c.own.Secret, own, source, level)
	default:
		c.spec.Access = own
	}
	return nil
}
