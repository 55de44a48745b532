package bind

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/diff"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/credentials"
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
	if err := p.showSecrets(&plan); err != nil {
		return err
	}
	changed, err := p.showWorkload(&plan)
	if err != nil {
		return err
	}
	b.Report.Show(plan.String())
	b.warnOfReplicas(p)
	b.Report.Done("secret/"+p.secret.name, outcome(p.secret.existing == nil, "created"))
	b.Report.Done(p.workload.String(), outcome(changed, "bound"))
	b.Bound(p.written())
	return nil
}

// showSecrets prints the Secrets that would be made.
func (p *plan) showSecrets(out *strings.Builder) error {
	first := p.secret.existing
	if first == nil {
		first = p.newSecret(p.database.HostName())
		if err := showMasked(out, first); err != nil {
			return err
		}
	}
	if !p.options.Keys.ServiceBinding {
		return nil
	}
	return showMasked(out, credentials.NewServiceBinding(first, p.credentials(p.database.HostName())))
}

// showMasked prints a Secret without what it keeps.
func showMasked(out *strings.Builder, secret *corev1.Secret) error {
	shown := secret.DeepCopy()
	shown.Data, shown.StringData = nil, map[string]string{}
	for key := range secret.Data {
		shown.StringData[key] = "MASKED"
	}
	text, err := yaml.Marshal(shown)
	if err != nil {
		return fmt.Errorf("write secret/%s: %w", secret.Name, err)
	}
	fmt.Fprintf(out, "---\n%s", text)
	return nil
}

// showWorkload prints what changes in the workload, and says whether anything does.
func (p *plan) showWorkload(out *strings.Builder) (changed bool, err error) {
	if p.options.Reference.Inject == workload.InjectNone {
		text, err := p.patchText()
		fmt.Fprintf(out, "---\n# the patch of %s in namespace %s that is left to you\n%s", p.workload, p.workload.Namespace(), text)
		return false, err
	}
	to, err := p.changed(p.workload)
	if err != nil {
		return false, err
	}
	text := diff.Diff(p.workload.Object(), to.Object())
	if text != "" {
		fmt.Fprintf(out, "---\n# %s in namespace %s\n%s", p.workload, p.workload.Namespace(), text)
	}
	return text != "", nil
}
