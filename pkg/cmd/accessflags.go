package cmd

import (
	"github.com/spf13/pflag"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/binding"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
)

// accessFlags say what the user may do in the database.
type accessFlags struct {
	level    string
	schemas  []string
	isolated bool
	revoke   bool
}

func (f *accessFlags) addTo(flags *pflag.FlagSet) {
	flags.StringVar(&f.level, "access", string(postgres.All), "What the user may do: all, readwrite or readonly")
	flags.StringSliceVar(&f.schemas, "schema", []string{"public"}, "Schema that the user may use, repeatable")
	flags.BoolVar(&f.isolated, "isolated", false, "Share nothing that the user creates with other bindings")
	flags.BoolVar(&f.revoke, "revoke-public", false, "Take from everybody CONNECT and TEMPORARY on all databases and CREATE on all schemas; whoever needs them must have a grant")
}

func (f *accessFlags) apply(o *binding.Options) error {
	level, err := postgres.ParseLevel(f.level)
	o.Level, o.Schemas, o.Isolated, o.RevokePublic = level, f.schemas, f.isolated, f.revoke
	return err
}
