package unbind

// show tells what would be done, in the order in which it would be done.
func (u *Unbinder) show(b *binding) error {
	const dryRun = " (dry run)"
	if b.Workload != nil {
		u.Report.Step("reference to secret/%s would be removed from %s, and its Pods replaced", b.name, b.Name)
	}
	if b.held != nil {
		for _, holder := range b.held.Roles {
			if b.options.Keep && holder.Role == b.marks.Role {
				u.Report.Done("role/"+holder.Role, "kept without its login"+dryRun)
			} else {
				u.Report.Done("role/"+holder.Role, "dropped"+dryRun)
			}
		}
	}
	if b.secret != nil {
		u.Report.Done("secret/"+b.name, "deleted"+dryRun)
	}
	u.Report.Done(b.Name, "unbound"+dryRun)
	if b.options.Abandon {
		return u.leftover(b)
	}
	return nil
}
