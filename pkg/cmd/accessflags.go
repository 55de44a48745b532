package cmd

import (
	"github.com/spf13/pflag"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/binding"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
)

// accessFlags are the flags for the privileges in the database.
type accessFlags struct {
	level    string
	schemas  []string
	isolated bool
	revoke   bool
}

func (f *accessFlags) addTo(flags *pflag.FlagSet) {
	flags.StringVar(&f.level, "access", string(postgres.All), "Access level: all, readwrite or readonly")
	flags.StringSliceVar(&f.schemas, "schema", []string{"public"}, "Schema that the user can access; repeatable")
	flags.BoolVar(&f.isolated, "isolated", false,
		"Give the binding an access role of its own, so that it shares no objects with other bindings")
	flags.BoolVar(&f.revoke, "revoke-public", false, "Revoke CONNECT and TEMPORARY on all databases and CREATE on all schemas from PUBLIC; "+
		"other roles that need them must have grants of their own")
}

func (f *accessFlags) apply(o *binding.Options) error {
	level, err := postgres.ParseLevel(f.level)
	o.Level, o.Schemas, o.Isolated, o.RevokePublic = level, f.schemas, f.isolated, f.revoke
	return err
}
