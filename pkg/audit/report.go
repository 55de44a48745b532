// Package audit reports who uses a PostgreSQL server, as which role, and what is wrong with it, also for what pgbind
// did not create. It joins the sessions of the server with the Pods of the cluster, and turns what it read into
// findings by pure functions. It changes nothing.
package audit

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Severity is how bad a finding is.
type Severity string

// The severities, the worst first. None is not a finding's.
const (
	Critical Severity = "critical" // somebody can become superuser or log in without a password, or an application is superuser
	Warning  Severity = "warning"  // more privileges or weaker passwords than needed
	Info     Severity = "info"     // what to know, and what could not be seen
	None     Severity = "none"
)

// Severities returns the severities, the worst first.
func Severities() []Severity { return []Severity{Critical, Warning, Info} }

// AtLeast reports whether s is as bad as other, or worse. Nothing is as bad as None.
func (s Severity) AtLeast(other Severity) bool {
	return other != None && slices.Index(Severities(), s) <= slices.Index(Severities(), other)
}

// ParseSeverity parses a severity, or None.
func ParseSeverity(text string) (Severity, error) {
	if all := append(Severities(), None); !slices.Contains(all, Severity(text)) {
		return "", fmt.Errorf("invalid severity %q: use critical, warning, info or none", text)
	}
	return Severity(text), nil
}

// Code names what is wrong. docs/findings.md has a section for each.
type Code string

// The codes, in the order in which findings of the same severity are printed.
const (
	SuperuserWorkload Code = "SuperuserWorkload"
	TrustRule         Code = "TrustRule"
	PowerfulRole      Code = "PowerfulRole"
	PasswordsDiffer   Code = "PasswordsDiffer"
	SharedRole        Code = "SharedRole"
	MD5Password       Code = "MD5Password"
	NoPassword        Code = "NoPassword"
	ExpiredRole       Code = "ExpiredRole"
	PublicCreate      Code = "PublicCreate"
	Shadow            Code = "Shadow"
	OrphanedRole      Code = "OrphanedRole"
	UnknownAddress    Code = "UnknownAddress"
	NodeAddress       Code = "NodeAddress"
	Pooler            Code = "Pooler"
	UnusedRole        Code = "UnusedRole"
	Overload          Code = "Overload"
	PublicConnect     Code = "PublicConnect"
	LocalTrust        Code = "LocalTrust"
	NotSeen           Code = "NotSeen"
)

// Codes returns all codes in their order.
func Codes() []Code {
	return []Code{
		SuperuserWorkload, TrustRule, PowerfulRole, PasswordsDiffer, SharedRole, MD5Password, NoPassword, ExpiredRole, PublicCreate, Shadow,
		OrphanedRole, UnknownAddress, NodeAddress, Pooler, UnusedRole, Overload, PublicConnect, LocalTrust, NotSeen,
	}
}

// Finding is one result for one object of a server.
type Finding struct {
	Server    string   `json:"server"`
	Code      Code     `json:"code"`
	Severity  Severity `json:"severity"`
	Namespace string   `json:"namespace,omitempty"` // of the object, if it is one of the cluster
	Object    string   `json:"object"`
	Message   string   `json:"message"`
	Fix       string   `json:"fix,omitempty"` // a command
	Page      string   `json:"page"`
}

// Source is what a session comes from.
type Source string

// The sources of sessions.
const (
	FromWorkload Source = "workload"
	FromPooler   Source = "pooler"
	FromServer   Source = "server"  // the server's own Pods
	FromNode     Source = "node"    // an address of a node
	FromUnknown  Source = "unknown" // an address of no Pod
)

// Access is one workload that uses a server as one role in one database, or another source of sessions.
type Access struct {
	Server       string    `json:"server"`
	Source       Source    `json:"source"`
	Namespace    string    `json:"namespace,omitempty"`
	Workload     string    `json:"workload"`        // deployment/web, or an address
	Owner        string    `json:"owner,omitempty"` // of the workload, if something owns it
	Role         string    `json:"role,omitempty"`  // empty: unknown
	Superuser    bool      `json:"superuser,omitempty"`
	Database     string    `json:"database,omitempty"`
	Sessions     int       `json:"sessions"`
	Oldest       time.Time `json:"oldest,omitzero"`
	Addresses    []string  `json:"addresses,omitempty"`
	Applications []string  `json:"applications,omitempty"`
	Reason       string    `json:"reason,omitempty"` // without a session: why it uses the server
}

// Server is one server of a report.
type Server struct {
	Name       string `json:"name"` // NAMESPACE/KIND/NAME
	Pod        string `json:"pod"`
	Namespace  string `json:"namespace"`
	Version    string `json:"version"`
	Superuser  bool   `json:"administratorIsSuperuser"`
	Statements bool   `json:"pgStatStatements"`
	Roles      []Role `json:"roles"`
}

// Role is a login role of a server.
type Role struct {
	Name       string     `json:"name"`
	Superuser  bool       `json:"superuser,omitempty"`
	Bound      bool       `json:"bound,omitempty"` // its comment names a binding of pgbind
	Password   string     `json:"password,omitempty"`
	ValidUntil *time.Time `json:"validUntil,omitempty"`
	Sessions   int        `json:"sessions"`
	Relations  int        `json:"ownedRelations"`
	Routines   int        `json:"ownedRoutines"`
	Statements int64      `json:"statements,omitempty"`
	Calls      int64      `json:"calls,omitempty"`
}

// Report is the result of an audit.
type Report struct {
	Servers  []Server  `json:"servers"`
	Accesses []Access  `json:"accesses"`
	Findings []Finding `json:"findings"`
}

// Worst reports whether a finding is at least that bad.
func (r *Report) Worst(severity Severity) bool {
	return slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Severity.AtLeast(severity) })
}

// Count returns the number of findings with the severity.
func (r *Report) Count(severity Severity) int {
	count := 0
	for _, f := range r.Findings {
		if f.Severity == severity {
			count++
		}
	}
	return count
}

// sortFindings sorts the worst first.
func sortFindings(findings []Finding) {
	slices.SortStableFunc(findings, func(a, b Finding) int {
		return cmp.Or(
			cmp.Compare(slices.Index(Severities(), a.Severity), slices.Index(Severities(), b.Severity)),
			cmp.Compare(slices.Index(Codes(), a.Code), slices.Index(Codes(), b.Code)),
			strings.Compare(a.Server, b.Server), strings.Compare(a.Namespace, b.Namespace),
			strings.Compare(a.Object, b.Object), strings.Compare(a.Message, b.Message),
		)
	})
}
