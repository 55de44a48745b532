// Package fieldmanager names the field manager of every write, and takes over the fields of the managers that earlier versions used.
package fieldmanager

import (
	"bytes"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
)

// Default is the field manager that is used unless the user names another one.
const Default = v1alpha1.DefaultFieldManager

// former returns the managers that this program has used by default.
func former() []string { return []string{Default, "kubectl-pgbind"} }

// TakeOver returns the entries with the fields of former default managers, and of the managers of earlier binds, under
// manager, and reports whether that changed anything. Send the result in the same request as a change, with the
// resource version of the object: the API server accepts what a writer says about the managers. It changes nothing if
// manager is empty, because then the API server chooses the name. What a manager applied stays with it: such a manager
// applies a manifest of its own again.
func TakeOver(entries []metav1.ManagedFieldsEntry, manager string, earlier ...string) ([]metav1.ManagedFieldsEntry, bool) {
	isFormer := func(e metav1.ManagedFieldsEntry) bool {
		return e.Manager != manager && e.Operation == metav1.ManagedFieldsOperationUpdate && e.Subresource == "" &&
			(slices.Contains(former(), e.Manager) || e.Manager != "" && slices.Contains(earlier, e.Manager))
	}
	if manager == "" || !slices.ContainsFunc(entries, isFormer) {
		return entries, false
	}
	var taken []metav1.ManagedFieldsEntry
	for _, entry := range entries {
		if isFormer(entry) {
			entry.Manager = manager
		}
		same := func(e metav1.ManagedFieldsEntry) bool {
			return e.Manager == entry.Manager && e.Operation == entry.Operation && e.APIVersion == entry.APIVersion &&
				e.Subresource == entry.Subresource
		}
		// The API server keeps only the last of several entries that differ in their fields alone.
		if i := slices.IndexFunc(taken, same); i >= 0 {
			taken[i].FieldsV1 = union(taken[i].FieldsV1, entry.FieldsV1)
			continue
		}
		taken = append(taken, entry)
	}
	return taken, true
}

// union returns the fields of both entries. Fields that cannot be read have no owner, and are left out.
func union(a, b *metav1.FieldsV1) *metav1.FieldsV1 {
	all := fieldpath.NewSet()
	for _, fields := range []*metav1.FieldsV1{a, b} {
		set := fieldpath.NewSet()
		if fields != nil && set.FromJSON(bytes.NewReader(fields.GetRawBytes())) == nil {
			all = all.Union(set)
		}
	}
	text, err := all.ToJSON()
	if err != nil {
		return a
	}
	return metav1.NewFieldsV1(string(text))
}
