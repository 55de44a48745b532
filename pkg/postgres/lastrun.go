package postgres

import "context"

// LastRun returns the id of the run that last set the role's password, as the role's comment says; it is empty where there is none.
func (s *Server) LastRun(ctx context.Context, role string) (string, error) {
	out, err := s.report(ctx, new(script).set("role", role, "run", "mark").run("begin_session", "read_comment", "end"))
	if err != nil {
		return "", err
	}
	owner, _ := parseOwner(out.Mark)
	return owner.Run, nil
}
