package binding

import (
	"cmp"
	"context"
	"errors"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/shard"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// ReadLive reads the existing bindings in the namespaces of the items, of the workloads that the selector matches. It fails if something
// cannot be read, because a comparison would be misleading.
func ReadLive(ctx context.Context, reader *inventory.Reader, items []*Item, selector labels.Selector) ([]inventory.Entry, error) {
	var found []inventory.Entry
	read := map[string]bool{}
	for _, item := range items {
		namespace := item.namespace()
		if read[namespace] {
			continue
		}
		read[namespace] = true
		part, err := reader.Read(ctx, namespace, selector)
		if err != nil {
			return nil, err
		}
		if err := errors.Join(part.Gaps...); err != nil {
			return nil, err
		}
		found = append(found, part.Entries...)
	}
	return found, nil
}

// Names reports whether the item describes the binding: the same workload, server and database, and both or neither of an owner container.
func (i *Item) Names(b *inventory.Entry) bool {
	return i.key() == keyOf(b)
}

// key is what both a file and an inventory contain about a binding.
type key struct {
	namespace, workload, postgres, database string
	owner                                   bool
}

// Shard returns the items of one part. It divides by what an inventory contains too, so that apply --prune can divide alike.
func Shard(part shard.Shard, items []*Item) []*Item {
	var picked []*Item
	for _, item := range items {
		if item.Document == nil || part.Has(item.Document.Namespace, workload.FullName(item.Spec.Workload), item.spec().DBName) {
			picked = append(picked, item)
		}
	}
	return picked
}

func (i *Item) key() key {
	ref := i.ref()
	return key{
		i.Document.Namespace,
		workload.FullName(i.Spec.Workload),
		ref.Namespace + "/" + ref.String(),
		i.spec().DBName,
		i.Spec.IsOwner(),
	}
}

func keyOf(b *inventory.Entry) key {
	m := b.Marks
	return key{b.Namespace, m.Workload, cmp.Or(m.PostgresNamespace, b.Namespace) + "/" + m.Postgres, m.DBName, m.IsOwner()}
}

// Unnamed returns the bindings that no item names, which a prune removes. A binding whose id is in made stays, even if its file names its
// server in another way.
func Unnamed(items []*Item, made map[string]bool, found []inventory.Entry) []inventory.Entry {
	named := map[key]bool{}
	for _, item := range items {
		named[item.key()] = true
	}
	var unnamed []inventory.Entry
	for _, b := range found {
		if !named[keyOf(&b)] && !made[b.Marks.ID] {
			unnamed = append(unnamed, b)
		}
	}
	return unnamed
}

// Difference is a binding as it is, and as its file requests it. Both have their defaults, so that they differ only in meaning.
type Difference struct {
	Live   *v1alpha1.Binding // nil: it does not exist
	Wanted *v1alpha1.Binding
}

// Compare compares items with the existing bindings. It knows only their metadata and does not query the database.
func Compare(items []*Item, found []inventory.Entry, now time.Time) []Difference {
	live := map[key]*inventory.Entry{}
	for i := range found {
		live[keyOf(&found[i])] = &found[i]
	}
	var differences []Difference
	for _, item := range items {
		wanted := completed(item.namespace(), item.Spec, inventory.Bound)
		wanted.Spec.Workload = workload.FullName(item.Spec.Workload)
		difference := Difference{Wanted: wanted}
		if b := live[item.key()]; b != nil {
			difference.Live = completed(b.Namespace, b.Marks.BindingSpec, b.State(now))
			difference.Live.Spec.Secret = b.SecretName
			difference.Live.Spec.PasswordFrom = wanted.Spec.PasswordFrom // a rotation replaces the password that was requested
			if wanted.Spec.NamesFromWorkload && b.Marks.NamesFromWorkload {
				wanted.Spec = withNames(wanted.Spec, b.Marks.Env)
			}
			wanted.Spec.Secret = cmp.Or(wanted.Spec.Secret, b.SecretName)
			if b.Marks.Inject == string(workload.InjectNone) && difference.Live.Status.State == string(inventory.Unreferenced) {
				difference.Live.Status.State = string(inventory.Bound) // the user adds the reference
			}
		}
		differences = append(differences, difference)
	}
	return differences
}

// completed returns the Binding object with all defaults.
func completed(namespace string, spec v1alpha1.BindingSpec, state inventory.State) *v1alpha1.Binding {
	return &v1alpha1.Binding{
		TypeMeta:   metav1.TypeMeta{APIVersion: v1alpha1.APIVersion, Kind: v1alpha1.Kind},
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace},
		Spec:       spec.WithDefaults(namespace),
		Status:     v1alpha1.BindingStatus{State: string(state)},
	}
}
