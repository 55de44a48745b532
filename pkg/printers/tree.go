package printers

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
)

// WriteTree writes each database with its access roles, their login roles, and the Secrets and workloads of these.
func (list Bindings) WriteTree(w io.Writer, now time.Time) error {
	root := &node{}
	for i := range list {
		b := &list[i]
		server := cmp.Or(b.Marks.Location, "unknown server")
		leaf := root.child("database " + cmp.Or(b.Marks.DBName, "unknown") + " on " + server).
			child("access role " + accessRole(b)).child("login role " + cmp.Or(b.Marks.Role, "unknown")).child(secretLine(b))
		leaf.child(workloadLine(b, now))
	}
	var text strings.Builder
	for _, name := range root.names() {
		text.WriteString(name + "\n")
		root.children[name].draw(&text, "")
	}
	_, err := io.WriteString(w, Visible(text.String()))
	return err
}

// accessRole returns the name of the access role according to the metadata.
func accessRole(b *inventory.Entry) string {
	if b.Marks.Access == "" {
		return "unknown"
	}
	return b.AccessRole().Role()
}

func secretLine(b *inventory.Entry) string {
	line := "secret/" + b.SecretName + " in " + b.Namespace
	if b.Secret == inventory.Absent {
		line += " (not found)"
	}
	return line
}

func workloadLine(b *inventory.Entry, now time.Time) string {
	line := cmp.Or(b.Marks.Workload, "unknown workload")
	if state := b.State(now); state != inventory.Bound && state != inventory.NoSecret {
		line += fmt.Sprintf(" (%s)", state)
	}
	return line
}

// node is one line of the tree.
type node struct{ children map[string]*node }

func (n *node) child(name string) *node {
	if n.children == nil {
		n.children = map[string]*node{}
	}
	if n.children[name] == nil {
		n.children[name] = &node{}
	}
	return n.children[name]
}

func (n *node) names() []string { return slices.Sorted(maps.Keys(n.children)) }

func (n *node) draw(text *strings.Builder, indent string) {
	names := n.names()
	for i, name := range names {
		branch, below := "├─ ", "│  "
		if i == len(names)-1 {
			branch, below = "└─ ", "   "
		}
		text.WriteString(indent + branch + name + "\n")
		n.children[name].draw(text, indent+below)
	}
}
