package printers

import (
	"net"
	"strconv"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
)

// Server is a PostgreSQL server of a list, and what it contains.
type Server struct {
	server.Found
	Primary  *server.Endpoint   // the Pod that is no standby, as far as it is known
	Contents *postgres.Contents // nil: it could not be read
}

// Servers prints servers.
type Servers []Server

// Table returns one row for each server. Columns of priority 1 are printed with -o wide.
func (list Servers) Table(time.Time) *metav1.Table {
	table := &metav1.Table{}
	for _, name := range []string{"Postgres", "Endpoint", "Primary", "Product", "Version", "Databases"} {
		table.ColumnDefinitions = append(table.ColumnDefinitions, metav1.TableColumnDefinition{Name: name, Type: "string"})
	}
	for _, name := range []string{"Names", "Container", "Location"} {
		table.ColumnDefinitions = append(table.ColumnDefinitions, metav1.TableColumnDefinition{Name: name, Type: "string", Priority: 1})
	}
	for _, s := range list {
		table.Rows = append(table.Rows, metav1.TableRow{
			Cells: []any{
				s.Ref().String(), s.endpoint(), s.Primary.Pod.Name, s.Product, s.version(), strings.Join(s.databases(), ","),
				strings.Join(s.names(), ","), s.Primary.Container, s.Location,
			},
			Object: runtime.RawExtension{Object: &metav1.PartialObjectMetadata{
				ObjectMeta: metav1.ObjectMeta{Namespace: s.Ref().Namespace, Name: s.Ref().String()},
			}},
		})
	}
	return table
}

// List returns the servers as objects. Their names are what --postgres accepts.
func (list Servers) List(time.Time) (*unstructured.UnstructuredList, error) {
	objects := newList()
	for _, s := range list {
		objects.Items = append(objects.Items, unstructured.Unstructured{Object: map[string]any{
			"apiVersion": v1alpha1.APIVersion, "kind": "Server",
			"metadata": map[string]any{"name": s.Ref().String(), "namespace": s.Ref().Namespace},
			"status": map[string]any{
				"endpoint": s.endpoint(), "primary": s.Primary.Pod.Name, "container": s.Primary.Container, "product": s.Product,
				"version": s.version(), "databases": values(s.databases()), "names": values(s.names()), "location": s.Location,
			},
		}})
	}
	return objects, nil
}

// Names returns what --postgres accepts, one name a line.
func (list Servers) Names() string {
	var text strings.Builder
	for _, s := range list {
		text.WriteString(Visible(s.Ref().String()) + "\n")
	}
	return text.String()
}

// endpoint returns the address at which applications reach the server, or nothing if no Service leads to it.
func (s *Server) endpoint() string {
	e := s.Found.Primary()
	if e.Service == "" {
		return ""
	}
	return net.JoinHostPort(e.HostName(), strconv.Itoa(int(e.Port)))
}

func (s *Server) version() string {
	if s.Contents == nil {
		return ""
	}
	return postgres.VersionText(s.Contents.Version)
}

func (s *Server) databases() []string {
	if s.Contents == nil {
		return nil
	}
	return s.Contents.Databases
}

func (s *Server) names() []string {
	var names []string
	for _, ref := range s.Refs {
		names = append(names, ref.String())
	}
	return names
}

// values returns strings as an object stores them.
func values(list []string) []any {
	converted := make([]any, len(list))
	for i, value := range list {
		converted[i] = value
	}
	return converted
}
