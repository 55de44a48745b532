-- Creates the role without any attribute. The defaults are those that createuser names, and some servers refuse a statement of
-- an administrator who is no superuser that names SUPERUSER or NOSUPERUSER.
CREATE ROLE :"role";
