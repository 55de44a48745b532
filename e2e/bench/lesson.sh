# The lesson, as somebody scripts it who has done it twice by hand: one kubectl call a step.
# usage: lesson.sh NAMESPACE DEPLOYMENT ROLE PASSWORD [test]
set -e
namespace=$1 deployment=$2 role=$3 password=$4 test=$5
host=postgresql-svc.$namespace.svc.cluster.local

printf '%s\n%s\n' "$password" "$password" |
    kubectl -n "$namespace" exec -i postgresql-sfs-0 -- createuser --username=postgres -P "$role"

kubectl -n "$namespace" exec -i postgresql-sfs-0 -- psql -q -U postgres -v ON_ERROR_STOP=1 <<SQL
GRANT ALL PRIVILEGES ON DATABASE "postgres" TO "$role";
GRANT ALL PRIVILEGES ON ALL TABLES IN SCHEMA "public" TO "$role";
GRANT ALL PRIVILEGES ON ALL SEQUENCES IN SCHEMA "public" TO "$role";
SQL

if [ -n "$test" ]; then
    kubectl -n "$namespace" run "pg-psql-$deployment" -i --rm --quiet --image=postgres:15 --restart=Never --env="PGPASSWORD=$password" -- \
        psql -h "$host" -U "$role" -d postgres -c 'SELECT current_user'
fi

kubectl -n "$namespace" create secret generic "$role" --from-literal=POSTGRES_HOST="$host" \
    --from-literal=POSTGRES_USERNAME="$role" --from-literal=POSTGRES_PASSWORD="$password"

kubectl -n "$namespace" patch deployment "$deployment" -p \
    '{"spec":{"template":{"spec":{"containers":[{"name":"app","envFrom":[{"secretRef":{"name":"'"$role"'"}}]}]}}}}'
