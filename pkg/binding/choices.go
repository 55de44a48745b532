package binding

import (
	"cmp"
	"slices"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/apis/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/credentials"
)

// choices are the options that no other mark tells, without those that are as if nobody had chosen.
func (o Options) choices() v1alpha1.Choices {
	choices := v1alpha1.Choices{
		Sources: o.From, SSLMode: o.Keys.SSLMode,
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
func (p *Plan) marksToChange() map[string]string { return p.wantedMarks().Changed(p.secret.existing) }

// wantedMarks are those of the binding after this run.
func (p *Plan) wantedMarks() credentials.Marks {
	marks := p.marks()
	if p.secret.existing != nil && !p.options.Reference.Exact {
		old, _ := credentials.MarksOf(p.secret.existing)
		keep(&marks.Choices, old.Choices)
		if marks.Expires.IsZero() {
			marks.Expires = old.Expires
		}
	}
	return marks
}

// keep goes on with earlier choices beside those that are made now: what they brought stays.
func keep(now *v1alpha1.Choices, before v1alpha1.Choices) {
	now.Containers = union(before.Containers, now.Containers)
	now.Keys = union(before.Keys, now.Keys)
	now.SSLMode = cmp.Or(now.SSLMode, before.SSLMode)
	if now.Host == "" && now.Port == 0 {
		now.Host, now.Port, now.ClusterDomain = before.Host, before.Port, cmp.Or(now.ClusterDomain, before.ClusterDomain)
	}
	now.AdminPasswordFrom = cmp.Or(now.AdminPasswordFrom, before.AdminPasswordFrom)
	now.PasswordFrom, now.CAFrom = cmp.Or(now.PasswordFrom, before.PasswordFrom), cmp.Or(now.CAFrom, before.CAFrom)
}

// union is what is in either list, in the order in which it came.
func union(before, now []string) []string {
	all := slices.Clip(before)
	for _, one := range now {
		if !slices.Contains(all, one) {
			all = append(all, one)
		}
	}
	return all
}
