package unbind

// show tells what would be done, in the order in which it would be done.
func (u *Unbinder) show(b *binding) error {
	if b.Workload != nil {
		u.Report.Step("reference to secret/%s would be removed from %s, and its Pods replaced", b.SecretName, b.Name)
	}
	if b.held != nil {
		for _, holder := range b.held.Roles {
			if b.options.Keep && holder.Role == b.Marks.Role {
				u.Report.Done("role/"+holder.Role, "kept without its login")
			} else {
				u.Report.Done("role/"+holder.Role, "dropped")
			}
		}
	}
	if b.Secret != nil {
		u.Report.Done("secret/"+b.SecretName, "deleted")
	}
	u.Report.Done(b.Name, "unbound")
	if b.options.Abandon {
		return u.leftover(b)
	}
	return nil
}
