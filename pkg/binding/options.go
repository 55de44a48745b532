package binding

import (
	"time"

	cmdutil "k8s.io/kubectl/pkg/cmd/util"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/apis/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/credentials"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/target"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// Options is what a binding shall be like.
type Options struct {
	Postgres  target.Ref
	Choice    target.Choice
	Database  string
	AdminUser string
	// AdminPassword is empty where none is needed, or the database's container has it.
	AdminPassword string
	// From is where the passwords and the certificates come from, as far as a file can say it.
	From v1alpha1.Sources

	Level    postgres.Level
	Schemas  []string
	Isolated bool // an access role for this binding alone
	// RevokePublic takes from everybody what no level gives.
	RevokePublic bool

	Secret    string // empty: the binding's present one, else the next free default name
	Login     LoginOptions
	Keys      KeyOptions
	Reference ReferenceOptions
	Rollout   RolloutOptions
	DryRun    cmdutil.DryRunStrategy
	// FieldManager is recorded for every write.
	FieldManager string
}

// LoginOptions say how the user logs in.
type LoginOptions struct {
	Username string        // empty: one that is derived from the binding
	Password string        // empty: a random one
	Expires  time.Duration // from now on; 0: never
	Until    time.Time     // instead of Expires; zero: as that says
}

// KeyOptions say what the Secret holds beside host, user name and password.
type KeyOptions struct {
	Keys           []credentials.Key
	ServiceBinding bool   // make a second Secret, in the form of servicebinding.io
	SSLMode        string // for the URIs; empty: as the server offers
	CA             string // certificates of the server's authority, in PEM
}

// ReferenceOptions say how the workload's Pods get the Secret.
type ReferenceOptions struct {
	Inject     workload.Inject
	Containers []string // empty: the workload's default container
	Prefix     string   // of the variables
	MountPath  string   // of workload.InjectVolume
	Adopt      bool     // take over equal references that somebody else wrote
	Force      bool     // also where another tool's manifest owns envFrom
	Exact      bool     // take back references of the binding in containers that are not named
}

// RolloutOptions say how the Pods are replaced and what is waited for.
type RolloutOptions struct {
	Wait     bool
	Timeout  time.Duration
	Restart  bool // replace the Pods of a workload that does not do it by itself
	Recreate bool // replace a bare Pod by an equal one
}
