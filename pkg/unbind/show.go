package unbind

// show reports what unbind would do to an item, in the order of the steps.
func (r *run) show(i *Item) error {
	if i.Workload != nil {
		r.Report.Step("the reference to secret/%s would be removed from %s and its Pods would be replaced", i.SecretName, i.Name)
	}
	if i.held != nil {
		for _, holder := range i.held.Roles {
			if r.options.Keep && holder.Role == i.Marks.Role {
				r.Report.Done("role/"+holder.Role, "kept without login")
			} else {
				r.Report.Done("role/"+holder.Role, "dropped")
			}
		}
	}
	if r.options.DropDatabase {
		r.Report.Done("database/"+i.Marks.DBName, "dropped")
	}
	if i.Secret != nil {
		r.Report.Done("secret/"+i.SecretName, "deleted")
	}
	r.Report.Done(i.Name, "unbound")
	if r.options.Abandon {
		return r.leftover(i)
	}
	return nil
}
