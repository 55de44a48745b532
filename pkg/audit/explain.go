package audit

import (
	"slices"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/report"
)

// Page returns where the documentation explains the code.
func (c Code) Page() string { return report.PageOf("audit", string(c)) }

// Explanations returns the cause and the fix of each code, in the order of the codes.
func Explanations() []report.Explanation {
	return slices.Concat(explainLogins(), explainRoles(), explainOthers())
}

func explainLogins() []report.Explanation {
	return []report.Explanation{
		explain(
			SuperuserWorkload,
			"A workload or a pooler logs in as a superuser. It can read and change all databases and run programs as the "+
				"operating system's user of the server. A bug in the application, or a leaked Secret, gives all that away.",
			"The command gives the workload a login of its own, under the names of its variables, and hands over the tables that it uses. "+
				"`kubectl pgbind takeover --all` does so for all workloads of the namespace. For a pooler, give it a user for its queries that is no superuser; its own documentation describes that.",
		),
		explain(
			TrustRule,
			"A rule of `pg_hba.conf` lets connections from the network log in without a password. The first rule that fits a connection "+
				"decides; rules that never apply are not reported. The image `postgres` writes such a rule if `POSTGRES_HOST_AUTH_METHOD` is `trust`.",
			"The command replaces `trust` by `scram-sha-256` in that line, and reloads the server. An operator that writes the file overwrites the "+
				"change: change its configuration instead. Roles without a password cannot log in after that.",
		),
		explain(
			PowerfulRole,
			"A login role can get around privileges:\n\n"+
				"* `SUPERUSER`, or membership in a superuser, by way of other roles too.\n"+
				"* `pg_execute_server_program` and `pg_write_server_files`: programs and files of the server. Both lead to superuser.\n"+
				"* `CREATEROLE`: before PostgreSQL 16, the role can make itself a member of the roles above.\n"+
				"* `pg_read_server_files`, `pg_read_all_data`, `pg_write_all_data`, `REPLICATION`, `BYPASSRLS`: all data.\n"+
				"* The ADMIN OPTION on a role: it can grant that role to others.\n\n"+
				"The superuser that initdb created is not reported, and a superuser that a workload uses is reported with the workload. A role for "+
				"replication is not reported if all its sessions come from Pods of the server.",
			"The command takes attributes and memberships away. Roles of operators need some of them: read the operator's documentation first.",
		),
		explain(
			PasswordsDiffer,
			"Two Secrets name the same role and have different passwords, so that at least one workload cannot log in the next time. "+
				"Only with `--read-secrets`.",
			"Find out which Secret is right, for example with `kubectl pgbind check`, and update the other. The command sets a new password; write it "+
				"into both.",
		),
	}
}

func explainRoles() []report.Explanation {
	return []report.Explanation{
		explain(
			SharedRole,
			"Several workloads use one role. A new password has to reach all of them at the same time, and the server cannot tell which "+
				"of them did something.",
			"The command gives each workload a login of its own, and asks before it hands over what the others use too. If the role is the login of "+
				"a binding, the command binds the others. Then remove the reference to the first Secret from their manifests.",
		),
		explain(
			MD5Password,
			"The password is stored as an MD5 hash. A person who reads the hash, for example in a backup, can log in with it. "+
				"PostgreSQL 18 warns about such passwords.",
			"The command asks for a new password and stores it as SCRAM-SHA-256. Update the Secret of the application.",
		),
		explain(
			NoPassword,
			"A role that can log in has no password, or an empty one. That is right for roles with client certificates. Otherwise the role "+
				"cannot be used, unless a rule trusts it.",
			"Set a password, or `ALTER ROLE … NOLOGIN`.",
		),
		explain(ExpiredRole, "The time in `VALID UNTIL` is over, but something uses the role. Its sessions continue, and new ones fail.",
			"Extend it, or remove the user. For bindings of pgbind: `kubectl pgbind rotate`, or `prune`."),
		explain(
			PublicCreate,
			"Every login of the server can create objects in a schema. Before PostgreSQL 15, that is the default for schema `public`. "+
				"Others who call a function by its unqualified name can run what another role created there.",
			"The command revokes CREATE from PUBLIC. Roles that need it need a grant of their own; bindings of level `all` have one.",
		),
		explain(
			Shadow,
			"A schema has the name of a role, and another role can create there. The default `search_path` begins with the schema of the "+
				"role's name, so that unqualified names in its sessions mean what the other role creates.",
			"Rename the schema, or revoke CREATE. An application that names the schema has to follow.",
		),
		explain(
			OrphanedRole,
			"The comment of a role names a binding of pgbind that has no Secret in its namespace: somebody deleted the Secret, or the "+
				"server is a copy of another one.",
			"`kubectl pgbind check` says more, and `kubectl pgbind prune` removes such roles.",
		),
	}
}

func explainOthers() []report.Explanation {
	return []report.Explanation{
		explain(
			UnknownAddress,
			"Sessions come from an address of no Pod: from outside of the cluster, from a Pod that has ended, or, without `-A`, from "+
				"another namespace. As a superuser, it is critical.",
			"The command audits all namespaces, or shows the sessions.",
		),
		explain(
			NodeAddress,
			"Sessions come from an address of a node. They belong to a Pod in the network of the node (`hostNetwork`), to a program of the "+
				"node, or to a Pod or a client whose address was translated on the way. The finding names the Pods in the network of that node.",
			"The command lists the Pods of the node.",
		),
		explain(
			Pooler,
			"Sessions come from PgBouncer, Pgpool-II, Odyssey, PgCat, PgDog or Supavisor. The server sees the pooler and not the workloads "+
				"behind it. Those whose pod templates name the pooler's Service are listed without sessions.",
			"None is needed. The command shows the log of the pooler, which names its clients.",
		),
		explain(
			UnusedRole,
			"A login role has no session, and no pod template is known to use it. A job that runs once a month, or a person, can still need "+
				"it. It is a warning only if all namespaces and the values of Secrets were read.",
			"The command disables the login. Drop the role if no application needs it.",
		),
		explain(
			Overload,
			"An application owns a function or an operator with the name of one of PostgreSQL's own, and with other types. It runs in place "+
				"of PostgreSQL's for roles that have the schema in their `search_path`, if it fits the types of their call better.",
			"Keep the schema out of the `search_path` of others, or rename the function. The command shows who can use the schema.",
		),
		explain(
			PublicConnect,
			"Every login of the server can connect to a database. That is PostgreSQL's default, and the reason why one application can "+
				"look at the catalogs of another.",
			"The command revokes it. Bindings have grants of their own; other roles need one first: `GRANT CONNECT ON DATABASE … TO …`.",
		),
		explain(
			LocalTrust,
			"The server asks for no password on its socket and on the addresses of its own Pod. A user with the right to create `pods/exec` "+
				"there is a superuser. That is the default of the image `postgres`, and pgbind uses it.",
			"None is needed if only administrators have that right. The command lists your own rights.",
		),
		explain(
			NotSeen,
			"The audit could not see something: the administrator is no superuser, a database does not let it in, a list is forbidden, a Pod "+
				"looks like PostgreSQL but is none, or the server has standbys, whose sessions it does not read. The report has no findings about it.",
			"Grant the right that the message names, or audit as another administrator or user of the cluster.",
		),
	}
}

func explain(about Code, cause, fix string) report.Explanation {
	return report.Explanation{Code: string(about), Cause: cause, Fix: fix}
}
