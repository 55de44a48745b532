package unbind

// show reports what unbind would do, in the order of the steps.
func (u *Unbinder) show(b *binding) error {
	if b.Workload != nil {
		u.Report.Step("the reference to secret/%s would be removed from %s and its Pods would be replaced", b.SecretName, b.Name)
	}
	if b.held != nil {
		for _, holder := range b.held.Roles {
			if b.options.Keep && holder.Role == b.Marks.Role {
				u.Report.Done("role/"+holder.Role, "kept without login")
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
