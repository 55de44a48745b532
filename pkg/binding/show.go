package binding

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/diff"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/credentials"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// show prints what a run would do for items of a dry run, which are done then.
func (r *run) show(_ context.Context, items []*Item) {
	for _, i := range items {
		if i.Options.DryRun == cmdutil.DryRunNone {
			continue
		}
		if err := i.show(); err != nil {
			i.fail(err)
			continue
		}
		r.Progress.Bound(i)
		r.finish(i)
	}
}

func (i *Item) show() error {
	p := i.plan
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
	if i.changed, err = p.showWorkload(&plan); err != nil {
		return err
	}
	i.isNew = p.secret.existing == nil
	i.Report.Show(plan.String())
	i.warnOfReplicas()
	i.Outcome, i.Binding = i.outcome(), p.written(nil)
	i.Report.Done("secret/"+p.secret.name, verb(i.isNew, "created"))
	i.Report.Done(i.Workload.String(), verb(i.changed, "bound"))
	return nil
}

// showSecrets prints the Secrets that would be made.
func (p *Plan) showSecrets(out *strings.Builder) error {
	first := p.secret.existing
	if first == nil {
		first = p.newSecret(verified{host: p.database.HostName()})
		if err := showMasked(out, first); err != nil {
			return err
		}
	}
	if !p.options.Keys.ServiceBinding {
		return nil
	}
	return showMasked(out, credentials.NewServiceBinding(first, p.credentials(verified{host: p.database.HostName()})))
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
func (p *Plan) showWorkload(out *strings.Builder) (changed bool, err error) {
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
