package bind

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// show prints what a run would do, and does none of it.
func (b *Binder) show(p *plan) error {
	var plan strings.Builder
	if p.secret.existing == nil {
		fmt.Fprintf(&plan, "# pod/%s, container %s: createuser makes role %s, without a login; then psql, database %q:\n",
			p.database.Pod.Name, p.database.Container, p.binding.Role, p.options.Database)
	} else {
		fmt.Fprintf(&plan, "# pod/%s, container %s: psql, database %q:\n", p.database.Pod.Name, p.database.Container, p.options.Database)
	}
	sql, err := postgres.Explain(p.binding, p.login(p.secret.existing == nil))
	if err != nil {
		return err
	}
	plan.WriteString(sql)
	if err := p.showObjects(&plan); err != nil {
		return err
	}
	b.Report.Show(plan.String())
	verb := map[bool]string{true: "created", false: "unchanged"}[p.secret.existing == nil]
	b.Report.Done("secret/"+p.secret.name, verb)
	b.Report.Done(p.workload.String(), "bound")
	b.Bound(p.written())
	return nil
}

func (p *plan) showObjects(plan *strings.Builder) error {
	if p.secret.existing == nil {
		secret := p.newSecret(p.database.HostName())
		masked := map[string]string{}
		for key := range secret.Data {
			masked[key] = "MASKED"
		}
		secret.Data, secret.StringData = nil, masked
		if err := writeYAML(plan, secret); err != nil {
			return err
		}
	}
	if p.options.Reference.Inject == workload.InjectNone {
		return nil
	}
	patch, err := p.patch(p.workload)
	if err != nil || patch == nil {
		return err
	}
	text, err := yaml.JSONToYAML(patch)
	if err != nil {
		return fmt.Errorf("write the patch of %s: %w", p.workload, err)
	}
	fmt.Fprintf(plan, "---\n# patch of %s in namespace %s\n%s", p.workload, p.workload.Namespace(), text)
	return nil
}

func writeYAML(out *strings.Builder, secret *corev1.Secret) error {
	text, err := yaml.Marshal(secret)
	if err != nil {
		return fmt.Errorf("write secret/%s: %w", secret.Name, err)
	}
	fmt.Fprintf(out, "---\n%s", text)
	return nil
}
