package bind

import (
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/apis/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/credentials"
)

// choices are the options that no other mark tells, without those that are as if nobody had chosen.
func (o Options) choices() v1alpha1.Choices {
	choices := v1alpha1.Choices{
		PostgresContainer: o.Choice.Container, AdminUser: o.AdminUser,
		Host: o.Choice.Host, Port: o.Choice.Port, ClusterDomain: o.Choice.ClusterDomain,
		Username: o.Login.Username, RevokePublic: o.RevokePublic,
		Inject: string(o.Reference.Inject), Containers: o.Reference.Containers, EnvPrefix: o.Reference.Prefix, MountPath: o.Reference.MountPath,
	}
	for _, key := range o.Keys.Keys {
		choices.Keys = append(choices.Keys, string(key))
	}
	if o.Keys.ServiceBinding {
		choices.Keys = append(choices.Keys, v1alpha1.KeyServiceBinding)
	}
	if choices.AdminUser == v1alpha1.DefaultAdminUser {
		choices.AdminUser = ""
	}
	if choices.Inject == v1alpha1.DefaultInject {
		choices.Inject = ""
	}
	return choices
}

// marksToChange are the marks of the binding's Secret that no longer tell what was chosen.
func (p *plan) marksToChange() map[string]string {
	marks := p.marks()
	if old, _ := credentials.MarksOf(p.secret.existing); !p.options.Reference.Exact {
		keep(&marks.Choices, old.Choices)
	}
	return marks.Changed(p.secret.existing)
}

// keep goes on with earlier choices where none is made now: what they brought stays.
func keep(now *v1alpha1.Choices, before v1alpha1.Choices) {
	if len(now.Containers) == 0 {
		now.Containers = before.Containers
	}
	if len(now.Keys) == 0 {
		now.Keys = before.Keys
	}
}
