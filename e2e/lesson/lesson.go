// Package lesson contains the manifests of the lesson, their names, and the SQL of its table.
package lesson

import (
	"embed"
	"fmt"
	"io/fs"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// The names in the manifests of the lesson.
const (
	Namespace       = "k8s-training"
	DatabasePod     = "postgresql-sfs-0"
	Database        = "postgresql-sfs"
	DatabaseService = "postgresql-svc"
	Container       = "postgresql-db"
	Application     = "postgresql-application"
	AppService      = "pg-app-svc"
	AppPort         = "8080"
	// Page is the page of the bound application.
	Page = "<h1>Simple PostgreSQL Web App</h1><h2>Company: anynines GmbH<h2>"
)

//go:embed company.sql
var company string

//go:embed *.yaml
var manifests embed.FS

// CompanySQL returns the SQL that creates the table COMPANY with one row. It can run repeatedly.
func CompanySQL() string {
	return company
}

// Objects returns the objects of the lesson, in order, in the given namespace. It fails only if a manifest of
// this package is not an object.
func Objects(namespace string) ([]*unstructured.Unstructured, error) {
	names, err := fs.Glob(manifests, "*.yaml")
	if err != nil {
		return nil, fmt.Errorf("list the lesson's manifests: %w", err)
	}
	objects := make([]*unstructured.Unstructured, 0, len(names))
	for _, name := range names {
		object, err := read(name)
		if err != nil {
			return nil, fmt.Errorf("read the lesson's manifest %s: %w", name, err)
		}
		if object.GetKind() == "Namespace" {
			object.SetName(namespace)
		} else {
			object.SetNamespace(namespace)
		}
		objects = append(objects, object)
	}
	return objects, nil
}

func read(name string) (*unstructured.Unstructured, error) {
	text, err := manifests.ReadFile(name)
	if err != nil {
		return nil, err
	}
	asJSON, err := yaml.YAMLToJSON(text)
	if err != nil {
		return nil, err
	}
	object := &unstructured.Unstructured{}
	return object, object.UnmarshalJSON(asJSON)
}
