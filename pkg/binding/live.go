package binding

import (
	"cmp"
	"time"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/apis/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/shard"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Names says whether the item is about the binding: the same workload, server and database.
func (i *Item) Names(b *inventory.Binding) bool {
	return i.key() == keyOf(b)
}

// key is what a file and an inventory both tell of a binding.
type key struct{ namespace, workload, postgres, database string }

// Shard picks the items of one part, by what an inventory tells of a binding, too.
func Shard(part shard.Shard, items []*Item) []*Item {
	var picked []*Item
	for _, item := range items {
		if item.Document == nil || part.Has(item.Document.Namespace, workload.FullName(item.Document.Spec.Workload), item.Options.Database) {
			picked = append(picked, item)
		}
	}
	return picked
}

func (i *Item) key() key {
	d := i.Document
	return key{d.Namespace, workload.FullName(d.Spec.Workload), i.Options.Postgres.Namespace + "/" + i.Options.Postgres.String(), i.Options.Database}
}

func keyOf(b *inventory.Binding) key {
	return key{b.Namespace, b.Marks.Workload, cmp.Or(b.Marks.PostgresNamespace, b.Namespace) + "/" + b.Marks.Postgres, b.Marks.Database}
}

// Unnamed picks the bindings that no item names, and that have not the id of a binding that was just made, however its file names its
// server. These are what a prune takes back.
func Unnamed(items []*Item, made map[string]bool, found []inventory.Binding) []inventory.Binding {
	named := map[key]bool{}
	for _, item := range items {
		named[item.key()] = true
	}
	var unnamed []inventory.Binding
	for _, b := range found {
		if !named[keyOf(&b)] && !made[b.Marks.ID] {
			unnamed = append(unnamed, b)
		}
	}
	return unnamed
}

// Difference is a binding as it is, and as its file wants it; both say everything, so that they differ only in what they mean.
type Difference struct {
	Live   *v1alpha1.Binding // nil: there is none
	Wanted *v1alpha1.Binding
}

// Compare holds items against the bindings that there are. It tells what the marks tell: no database is asked.
func Compare(items []*Item, found []inventory.Binding, now time.Time) []Difference {
	live := map[key]*inventory.Binding{}
	for i := range found {
		live[keyOf(&found[i])] = &found[i]
	}
	var differences []Difference
	for _, item := range items {
		wanted := written(item.Document.Namespace, item.Document.Spec, inventory.Bound)
		wanted.Spec.Workload = workload.FullName(item.Document.Spec.Workload)
		difference := Difference{Wanted: wanted}
		if b := live[item.key()]; b != nil {
			name := types.NamespacedName{Namespace: b.Namespace, Name: b.SecretName}
			difference.Live = written(b.Namespace, b.Marks.Written(name).Spec, b.State(now))
			// No mark tells where these came from.
			live := &difference.Live.Spec
			live.PasswordFrom, live.AdminPasswordFrom, live.SSLMode, live.CAFrom =
				wanted.Spec.PasswordFrom, wanted.Spec.AdminPasswordFrom, wanted.Spec.SSLMode, wanted.Spec.CAFrom
			wanted.Spec.Secret = cmp.Or(wanted.Spec.Secret, b.SecretName)
			if b.Marks.Choices.Inject == string(workload.InjectNone) && difference.Live.Status.State == string(inventory.Unreferenced) {
				difference.Live.Status.State = string(inventory.Bound) // its reference is the user's own
			}
		}
		differences = append(differences, difference)
	}
	return differences
}

func written(namespace string, spec v1alpha1.BindingSpec, state inventory.State) *v1alpha1.Binding {
	return &v1alpha1.Binding{
		TypeMeta:   metav1.TypeMeta{APIVersion: v1alpha1.APIVersion, Kind: v1alpha1.Kind},
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace},
		Spec:       spec.WithDefaults(namespace),
		Status:     v1alpha1.BindingStatus{State: string(state)},
	}
}
