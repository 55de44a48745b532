package binding

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/diff"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
)

// show prints what a run would do for the items of a dry run, which end here.
func (r *run) show(_ context.Context, items []*Item) {
	for _, i := range items {
		if i.Options.DryRun == cmdutil.DryRunNone {
			continue
		}
		if err := i.show(); err != nil {
			i.Fail(err)
			continue
		}
		r.Progress.Bound(i)
		r.finish(i)
	}
}

func (i *Item) show() error {
	p := i.plan
	var plan strings.Builder
	if err := p.showDatabase(&plan); err != nil {
		return err
	}
	if p.secret.existing == nil {
		fmt.Fprintf(&plan, "# pod/%s, container %s: createuser makes role %s, without a login; then psql, database %q:\n",
			p.database.Pod.Name, p.database.Container, p.binding.Role, p.spec.DBName)
	} else {
		fmt.Fprintf(&plan, "# pod/%s, container %s: psql, database %q:\n", p.database.Pod.Name, p.database.Container, p.spec.DBName)
	}
	p.showLimits(&plan)
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
	i.Outcome, i.Binding = i.outcome(), p.object(nil)
	i.Report.Done("secret/"+p.secret.name, verb(i.isNew, "created"))
	i.Report.Done(i.Workload.String(), verb(i.changed, "bound"))
	return nil
}

// showDatabase prints what a run would do to create the database.
func (p *Plan) showDatabase(out *strings.Builder) error {
	if !p.spec.CreateDatabase {
		return nil
	}
	sql, err := postgres.ExplainDatabase(p.newDatabase(), p.spec.AdminUser)
	fmt.Fprintf(out, "# pod/%s, container %s: psql, creates database %q if it does not exist:\n%s", p.database.Pod.Name, p.database.Container, p.spec.DBName, sql)
	return err
}

// showSecrets prints the Secrets that a run would create.
func (p *Plan) showSecrets(out *strings.Builder) error {
	first := p.secret.existing
	if first == nil {
		var err error
		if first, err = p.newSecret(p.expected()); err != nil {
			return err
		}
		if err := showMasked(out, first); err != nil {
			return err
		}
	}
	if !p.asked.HasKey(v1alpha1.KeyServiceBinding) {
		return nil
	}
	second, err := secret.NewServiceBinding(first, p.credentials(p.expected()))
	if err != nil {
		return err
	}
	return showMasked(out, second)
}

// showMasked prints a Secret without its values.
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

// showWorkload prints the change of the workload, and reports whether there is one.
func (p *Plan) showWorkload(out *strings.Builder) (changed bool, err error) {
	if p.injectsNothing() {
		text, err := p.patchText()
		fmt.Fprintf(out, "---\n# the patch of %s in namespace %s that is left to you\n%s", p.workload, p.workload.Namespace(), text)
		return false, err
	}
	to, err := p.changed(p.workload)
	if err != nil {
		return false, err
	}
	before := p.workload
	if p.spec.NamesFromWorkload { // they hold logins
		before, to = masked(before), masked(to)
	}
	text := diff.Diff(before.Object(), to.Object())
	if text != "" {
		fmt.Fprintf(out, "---\n# %s in namespace %s\n%s", p.workload, p.workload.Namespace(), text)
	}
	return text != "", nil
}
