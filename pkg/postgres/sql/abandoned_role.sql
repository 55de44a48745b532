-- In each database in which the role owns something or was granted something:
REASSIGN OWNED BY :"role" TO :"new_owner";
DROP OWNED BY :"role" RESTRICT;
-- Last, in any database:
DROP ROLE :"role";
