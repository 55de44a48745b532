package binding

import (
	"errors"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
)

// validateValues returns the values of a spec that Kubernetes or PostgreSQL would refuse. Empty fields are valid.
func validateValues(s v1alpha1.BindingSpec) (found []*FieldError) {
	for _, value := range []struct {
		field string
		texts []string
		check func(string) error
	}{
		{"postgresNamespace", []string{s.PostgresNamespace}, kubernetesName(validation.IsDNS1123Label)},
		{"postgresContainer", []string{s.PostgresContainer}, kubernetesName(validation.IsDNS1123Label)},
		{"containers", s.Containers, containerName},
		{"ownerContainer", []string{s.OwnerContainer}, kubernetesName(validation.IsDNS1123Label)},
		{"secret", []string{s.Secret}, kubernetesName(validation.IsDNS1123Subdomain)},
		{"adminUser", []string{s.AdminUser}, postgres.CheckName},
		{"dbname", []string{s.DBName}, postgres.CheckName},
		{"databaseTemplate", []string{s.DatabaseTemplate}, postgres.CheckName},
		{"schemas", s.Schemas, postgres.CheckName},
		{"createSchema", []string{s.CreateSchema}, postgres.CheckName},
		{"extensions", s.Extensions, postgres.CheckName},
		{"extensionSchema", []string{s.ExtensionSchema}, postgres.CheckName},
		{"username", []string{s.Username}, postgres.CheckRoleName},
		{"host", []string{s.Host}, func(host string) error { return server.Choice{Host: host}.Check() }},
		{"clusterDomain", []string{s.ClusterDomain}, func(domain string) error { return server.Choice{ClusterDomain: domain}.Check() }},
		{"envPrefix", []string{s.EnvPrefix}, envPrefix},
		{"mountPath", []string{s.MountPath}, mountPath},
	} {
		for _, text := range value.texts {
			if text == "" {
				continue
			}
			if err := value.check(text); err != nil {
				found = append(found, &FieldError{Field: value.field, Err: err})
			}
		}
	}
	if err := (server.Choice{Port: s.Port}).Check(); err != nil {
		found = append(found, &FieldError{Field: "port", Err: err})
	}
	return found
}

// kubernetesName returns a check of the name of an object.
func kubernetesName(check func(string) []string) func(string) error {
	return func(name string) error {
		if reasons := check(name); len(reasons) > 0 {
			return fmt.Errorf("invalid name %q: %s", name, strings.Join(reasons, "; "))
		}
		return nil
	}
}

func containerName(name string) error {
	if name == "*" {
		return nil
	}
	return kubernetesName(validation.IsDNS1123Label)(name)
}

// envPrefix rejects a prefix with which no shell can read the variables. Kubernetes accepts more.
func envPrefix(prefix string) error {
	if len(validation.IsCIdentifier(prefix)) > 0 {
		return fmt.Errorf("invalid prefix %q: use letters, digits and underscores, and begin with a letter or an underscore", prefix)
	}
	return nil
}

func mountPath(path string) error {
	if !strings.HasPrefix(path, "/") || strings.Contains(path, ":") {
		return errors.New("use an absolute path without a colon")
	}
	return nil
}
