package cmd

import (
	"fmt"
	"slices"

	"github.com/spf13/pflag"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/binding"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/credentials"
)

const serviceBindingKey = "servicebinding"

// keyFlags say what the Secret holds.
type keyFlags struct {
	keys    []string
	sslMode string
	ca      string
}

func (f *keyFlags) addTo(flags *pflag.FlagSet) {
	flags.StringSliceVar(&f.keys, "key", nil, "Key that the Secret also holds, repeatable: port, database, uri, jdbc or pgpass; servicebinding makes a second Secret, NAME-binding, as servicebinding.io has it")
	flags.StringVar(&f.sslMode, "sslmode", "", "The sslmode in the URIs (default: require where the server encrypts, else disable)")
	flags.StringVar(&f.ca, "ca-from", "", "Where the certificates of the server's authority are, in the workload's namespace: secret/NAME:KEY or configmap/NAME:KEY")
}

func (f *keyFlags) apply(o *binding.Options) error {
	modes := []string{"", "disable", "allow", "prefer", "require", "verify-ca", "verify-full"}
	if !slices.Contains(modes, f.sslMode) {
		return fmt.Errorf("--sslmode %q is unknown: use disable, allow, prefer, require, verify-ca or verify-full", f.sslMode)
	}
	o.Keys.SSLMode = f.sslMode
	for _, name := range f.keys {
		if name == serviceBindingKey {
			o.Keys.ServiceBinding = true
			continue
		}
		key, err := credentials.ParseKey(name)
		if err != nil {
			return err
		}
		o.Keys.Keys = append(o.Keys.Keys, key)
	}
	return nil
}
