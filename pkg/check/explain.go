package check

import (
	"slices"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/report"
)

// Page returns where the documentation explains the reason. OK needs no explanation.
func (r Reason) Page() string {
	if r == OK {
		return ""
	}
	return report.PageOf("check", string(r))
}

// Explanations returns the cause and the fix of each reason but OK, the worst first.
func Explanations() []report.Explanation {
	return slices.Concat(explainLogins(), explainObjects(), explainPrivileges(), explainLeftovers())
}

// explainLogins explains why the application cannot log in, or can become another role.
func explainLogins() []report.Explanation {
	return []report.Explanation{
		explain(
			LoginFailed,
			"The login with the password of the Secret failed, or the role may not log in. Somebody changed the password or the "+
				"role, the database was restored from a backup, or `pg_hba.conf` rejects the connection. The message contains the answer of the server.",
			"The command binds again: it sets the password of the Secret, and Pods need no restart. If `pg_hba.conf` rejects the connection, add a rule "+
				"for the addresses of your Pods.",
		),
		explain(
			Escalation,
			"The application can become superuser, or another role: it owns something that a superuser uses, such as a trigger "+
				"function or the target of a foreign key. Earlier versions granted what made that possible.",
			"The command removes the object or the right that the message names. Read it first: the application can depend on it.",
		),
		explain(
			Shadow,
			"A schema in which the application can create objects has the name of another role. The default `search_path` begins with the "+
				"schema of the role's own name, so that unqualified names in the sessions of that role mean what the application creates.",
			"The command renames the schema, or revokes CREATE on it. An application that names the schema has to follow.",
		),
	}
}

// explainObjects explains what is missing, does not match, or will be removed.
func explainObjects() []report.Explanation {
	return []report.Explanation{
		explain(
			NoDatabase,
			"The server has no database of that name. It was dropped or renamed, or a restore is not complete.",
			"If an empty database is right, the command creates one and binds again. Otherwise restore the database first; then bind again.",
		),
		explain(
			NoRole,
			"The server has no login role of that name. It was dropped, or the server was replaced or restored from an older backup.",
			"The command creates the role with the password of the Secret. Pods need no restart.",
		),
		explain(
			ForeignRole,
			"A role with the name in the Secret exists, but it is not the one that pgbind created: its comment names another binding, "+
				"or it has attributes such as SUPERUSER. Somebody changed the role, or the metadata of the Secret is forged.",
			"The command shows the role. If it belongs to something else, delete the Secret and bind again. pgbind never changes such a role.",
		),
		explain(NoSecret, "The workload references a Secret that does not exist. New Pods do not start.",
			"The command binds again. It creates the Secret with a new password."),
		explain(BadSecret, "A key of the Secret is missing, or does not hold the login of the other keys. Somebody edited the Secret.",
			"The command deletes the Secret and binds again, which creates it with a new password. The Pods restart."),
		explain(
			Unreferenced,
			"The workload does not use the Secret: a bind was interrupted, another tool applied a manifest without the reference, or "+
				"the binding was created with `--inject none` and you have not added the reference yet.",
			"The command adds the reference. If another tool applies the manifest of the workload, add the reference to that manifest.",
		),
		explain(
			Hidden,
			"A variable of the workload has the same name as one of the Secret and takes precedence, so that the application does not get the "+
				"value of the Secret.",
			"The command removes the variable, or opens the workload in an editor. You can also bind again with `--env-prefix`.",
		),
		explain(
			NotLasting,
			"The manifest of another tool sets the field that holds the reference. The next time that tool applies its manifest, it "+
				"removes the reference.",
			"The command writes the reference in a form that the tool keeps. You can also add the reference to the manifest: see docs/how-to/gitops.md.",
		),
		explain(
			StalePods,
			"Pods started before the Secret changed. They have the former login, which stops working with the next rotation.",
			"The command restarts the Pods. If the controller of the workload has not replaced them yet, the command shows why: wait until the "+
				"new Pods are ready, repair what keeps them from it, or promote the Rollout. A paused Deployment has no command: resume it.",
		),
		explain(
			TooFewConnections,
			"The workload has more Pods than the connection limit of its role allows connections. Some Pods cannot connect.",
			"The command raises the limit to the number of Pods. An application with a connection pool needs a multiple of that.",
		),
	}
}

// explainPrivileges explains missing and excessive privileges and limits.
func explainPrivileges() []report.Explanation {
	return []report.Explanation{
		explain(NoSchema, "A schema of the binding does not exist in the database.",
			"The command creates the schema, and binds again."),
		explain(NoExtension, "An extension that the binding requested does not exist in the database.",
			"The command creates the extension. The administrator must be superuser, unless the extension is trusted."),
		explain(
			Lacks,
			"The access role lacks privileges of its level, or the login role is not a member of it. Somebody revoked them, or created objects "+
				"as a role for which pgbind has no default privileges.",
			"The command grants what is missing.",
		),
		explain(
			Exceeds,
			"The access role has more privileges than its level, or the login role is a member of other roles.",
			"The command revokes them. If the application needs more, choose another level, or grant a role of your own to the access role.",
		),
		explain(
			Recreated,
			"The workload was deleted and created again since the bind. The Secret and the role are those of the former workload.",
			"If the new workload may have the access of the former one, the command continues the binding. Otherwise run `kubectl pgbind unbind` first.",
		),
		explain(
			Mismatch,
			"The role, the Secret and the workload say different things, for example about the expiry, the connection limit or a parameter. "+
				"Somebody changed one of them.",
			"The command binds again and makes them equal. If it is a statement, read it first: it decides which side is right.",
		),
		explain(
			Overcommitted,
			"The connection limit of a role, or the sum of the limits on the server, is larger than the number of connections that the "+
				"server allows.",
			"If one role has a limit above that of the server, the command lowers it. If the sum is too high, raise `max_connections`, or lower "+
				"limits with `--connection-limit`.",
		),
	}
}

// explainLeftovers explains what is left over, and what could not be verified.
func explainLeftovers() []report.Explanation {
	return []report.Explanation{
		explain(Expired, "The time of `--expires` is over. The role cannot log in.",
			"The command removes the binding. To keep it, bind again with a later `--expires`."),
		explain(OrphanedSecret, "The Secret names a workload that does not exist. The workload was deleted before its binding.",
			"The command removes the role and the Secret, and keeps the data."),
		explain(OrphanedRole, "A role that pgbind created has neither a Secret nor a workload.",
			"The command removes the role, and keeps the data."),
		explain(Unfinished, "A role has no Secret, but its workload exists: a bind was interrupted.",
			"The command completes the bind. Add the flags of the first bind, such as `--access`."),
		explain(
			Leftover,
			"A role of an earlier generation exists: a rotation was interrupted, or it kept the role because Pods read the Secret as files.",
			"The command rotates, which drops the role when no Pod uses it.",
		),
		explain(
			NotVerified,
			"The login could not be verified: the server asks for no password, all connections of the role are in use, or the host of the "+
				"Secret is not reachable from the Pod of the database.",
			"The message has the cause. For a server that asks for no password, the command shows the rules of `pg_hba.conf`: change `trust` to "+
				"`scram-sha-256`.",
		),
		explain(
			Unknown,
			"Something could not be read: a permission is missing, or the server does not answer. pgbind neither reports such a binding as OK "+
				"nor removes it.",
			"The command tests the permission. If the server does not answer, look at its Pod.",
		),
		explain(
			SharedCode,
			"Other roles run code of the application when they use its objects, such as a trigger on its table. That is how PostgreSQL "+
				"works, and not a fault.",
			"None is needed. Do not use the application's tables as superuser: see docs/security.md.",
		),
	}
}

func explain(about Reason, cause, fix string) report.Explanation {
	return report.Explanation{Code: string(about), Cause: cause, Fix: fix}
}
