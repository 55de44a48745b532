package bind

import (
	"context"
	"encoding/json"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/apis/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/credentials"
)

// choices are the options that no other mark tells, without those that are as if nobody had chosen.
func (o Options) choices() v1alpha1.Choices {
	choices := v1alpha1.Choices{
		PostgresContainer: o.Choice.Container, AdminUser: o.AdminUser,
		Host: o.Choice.Host, Port: o.Choice.Port, ClusterDomain: o.Choice.ClusterDomain,
		Inject: string(o.Reference.Inject), Containers: o.Reference.Containers, EnvPrefix: o.Reference.Prefix, MountPath: o.Reference.MountPath,
	}
	if choices.AdminUser == v1alpha1.DefaultAdminUser {
		choices.AdminUser = ""
	}
	if choices.Inject == v1alpha1.DefaultInject {
		choices.Inject = ""
	}
	return choices
}

// remark makes the marks of the binding's Secret tell of the choices that hold now.
func (b *Binder) remark(ctx context.Context, p *plan) error {
	marks := p.marks()
	if old, _ := credentials.MarksOf(p.secret.existing); len(marks.Choices.Containers) == 0 && !p.options.Reference.Exact {
		marks.Choices.Containers = old.Choices.Containers // they keep their references
	}
	changed := marks.Changed(p.secret.existing)
	if len(changed) == 0 {
		return nil
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": changed}})
	if err != nil {
		return fmt.Errorf("write the marks of secret/%s: %w", p.secret.name, err)
	}
	secrets := b.Kube.CoreV1().Secrets(p.workload.Namespace())
	if _, err = secrets.Patch(ctx, p.secret.name, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: p.options.FieldManager}); err != nil {
		return fmt.Errorf("change the marks of secret/%s in namespace %s: %w", p.secret.name, p.workload.Namespace(), err)
	}
	p.secret.remarked = true
	return nil
}
