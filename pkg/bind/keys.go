package bind

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/credentials"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/undo"
)

// credentials is what the Secrets hand over.
func (p *plan) credentials(host string) credentials.Credentials {
	c := credentials.Credentials{
		Host: host, Username: p.binding.Role, Password: p.password, Port: p.database.Port, Database: p.options.Database,
		SSLMode: p.sslMode(), CA: p.options.Keys.CA,
	}
	if mount := p.options.Reference.MountPath; c.CA != "" && mount != "" {
		c.CAPath = path.Join(mount, credentials.CAFile)
	}
	return c
}

// sslMode is the one that was asked for, else the strictest that works: the proof has shown whether the server encrypts.
func (p *plan) sslMode() string {
	encrypted := p.result != nil && p.result.SSL
	offered := "disable"
	switch {
	case encrypted && p.options.Keys.CA != "":
		offered = "verify-ca"
	case encrypted:
		offered = "require"
	}
	return cmp.Or(p.options.Keys.SSLMode, offered)
}

// variables are the keys that the Secret has or will have and that can be variables.
func (p *plan) variables() []string {
	return credentials.VariablesOf(p.completedData(""))
}

// completedData is what the binding's Secret has, and what it lacks of what it shall have.
func (p *plan) completedData(host string) map[string][]byte {
	data := p.newSecret(host).Data
	if p.secret.existing != nil {
		maps.Copy(data, p.secret.existing.Data)
	}
	return data
}

// wantedData is what the binding's Secret shall hold of ours. Where an option tells what may have been otherwise, that is all that it has of ours
// already, too; else what is there stays.
func (p *plan) wantedData(host string) map[string][]byte {
	o, existing := p.options, p.secret.existing
	told := o.Reference.Exact || o.Choice.Host != "" || o.Choice.Port != 0 || o.Keys.CA != "" || o.Keys.SSLMode != ""
	if !told {
		return p.completedData(host)
	}
	c := p.credentials(host)
	if !o.Reference.Exact {
		before, _ := credentials.MarksOf(existing)
		c.SSLMode = cmp.Or(o.Keys.SSLMode, before.Choices.SSLMode, c.SSLMode)
		if o.Choice.Host == "" {
			c.Host, c.Port = string(existing.Data[credentials.KeyHost]), cmp.Or(o.Choice.Port, before.Choices.Port, c.Port)
		}
	}
	renewed := existing.DeepCopy()
	credentials.Renew(renewed, p.marks(), c, o.Keys.Keys...)
	return renewed.Data
}

// extendSecret adds to the binding's Secret the keys and the mark that it lacks, so that an option can be given later. It takes nothing away.
func (b *Binder) extendSecret(ctx context.Context, p *plan, host string) error {
	existing, lacks := p.secret.existing, map[string][]byte{}
	for name, value := range p.wantedData(host) {
		if held, there := existing.Data[name]; !there || !bytes.Equal(held, value) {
			lacks[name] = value
		}
	}
	marks := p.marksToChange()
	if len(lacks) == 0 && len(marks) == 0 {
		return nil
	}
	patched, err := b.patchSecret(ctx, p, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{
		Namespace: existing.Namespace, Name: existing.Name, ResourceVersion: existing.ResourceVersion, Annotations: marks,
	}, Data: lacks})
	if err != nil {
		return err
	}
	p.secret.existing, p.secret.extended = patched, true
	return nil
}

// patchSecret merges what is set in change into the Secret of its name.
func (b *Binder) patchSecret(ctx context.Context, p *plan, change *corev1.Secret) (*corev1.Secret, error) {
	patch, err := json.Marshal(change)
	if err != nil {
		return nil, fmt.Errorf("write the patch of secret/%s: %w", change.Name, err)
	}
	patched, err := b.Kube.CoreV1().Secrets(change.Namespace).Patch(ctx, change.Name, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: p.options.FieldManager})
	if err != nil {
		return nil, fmt.Errorf("change secret/%s in namespace %s: %w", change.Name, change.Namespace, err)
	}
	return patched, nil
}

// errNotOurs says that the second Secret's name is taken.
var errNotOurs = errors.New("it exists and is not this binding's: choose another name with --secret")

// tryServiceBinding refuses a second Secret whose name is taken.
func (b *Binder) tryServiceBinding(ctx context.Context, p *plan) error {
	if !p.options.Keys.ServiceBinding {
		return nil
	}
	namespace, name := p.workload.Namespace(), credentials.ServiceBindingName(p.secret.name)
	found, err := b.Kube.CoreV1().Secrets(namespace).Get(ctx, name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		return fmt.Errorf("read secret/%s in namespace %s: %w", name, namespace, err)
	case p.secret.existing == nil || !credentials.IsServiceBindingOf(found, p.secret.existing):
		return fmt.Errorf("secret/%s in namespace %s: %w", name, namespace, errNotOurs)
	}
	return nil
}

// serviceBinding writes the second Secret, if it is wanted.
func (b *Binder) serviceBinding(ctx context.Context, p *plan, made *undo.Stack) error {
	if !p.options.Keys.ServiceBinding {
		return nil
	}
	first := p.secret.existing
	wanted := credentials.NewServiceBinding(first, p.credentials(string(first.Data[credentials.KeyHost])))
	secrets := b.Kube.CoreV1().Secrets(wanted.Namespace)
	created, err := secrets.Create(ctx, wanted, metav1.CreateOptions{FieldManager: p.options.FieldManager})
	if err == nil {
		made.Push(b.deleteSecret(created))
		return nil
	}
	if apierrors.IsAlreadyExists(err) {
		err = b.updateServiceBinding(ctx, p, wanted)
	}
	if err != nil {
		return fmt.Errorf("write secret/%s in namespace %s: %w", wanted.Name, wanted.Namespace, err)
	}
	return nil
}

// updateServiceBinding brings the second Secret up to date.
func (b *Binder) updateServiceBinding(ctx context.Context, p *plan, wanted *corev1.Secret) error {
	found, err := b.Kube.CoreV1().Secrets(wanted.Namespace).Get(ctx, wanted.Name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	if !credentials.IsServiceBindingOf(found, p.secret.existing) {
		return errNotOurs
	}
	if equality.Semantic.DeepEqual(found.Data, wanted.Data) {
		return nil
	}
	wanted.ResourceVersion = found.ResourceVersion
	_, err = b.patchSecret(ctx, p, wanted)
	return err
}
