package servers

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/command/commandtest"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/printers"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
)

// fakeServers are the servers of a namespace. A Pod without contents cannot be read.
type fakeServers struct {
	found    []server.Found
	contents map[string]*postgres.Contents
	standby  string // a Pod
}

func (f fakeServers) Servers(_ context.Context, namespace string) ([]server.Found, []error, error) {
	if namespace != "shop" {
		return nil, nil, errors.New("list pods: forbidden")
	}
	return f.found, []error{errors.New("services is forbidden")}, nil
}

type fakeReader struct {
	fakeServers
	pod string
}

func (f fakeReader) Databases(context.Context) (*postgres.Contents, error) {
	switch {
	case f.pod == f.standby:
		return &postgres.Contents{Version: 170002, Databases: []string{"postgres", "shop"}, Standby: true}, nil
	case f.contents[f.pod] == nil:
		return nil, errors.New("no psql there")
	}
	return f.contents[f.pod], nil
}

func found(name string, pods ...string) server.Found {
	f := server.Found{
		Instance: server.Instance{Location: "shop/statefulset/" + name},
		Product:  "patroni",
		Refs: []server.Ref{
			{Kind: server.KindService, Name: name, Namespace: "shop"},
			{Kind: server.KindStatefulSet, Name: name, Namespace: "shop"},
		},
	}
	for _, pod := range pods {
		f.Members = append(
			f.Members,
			&server.Endpoint{Pod: &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: pod}}, Container: "db"},
		)
	}
	f.Members[0].Service, f.Members[0].Port = name, 5432
	return f
}

func TestList_ReadsThePrimaryAndWarns(t *testing.T) {
	f := fakeServers{
		found:    []server.Found{found("a", "a-0", "a-1"), found("b", "b-0")},
		contents: map[string]*postgres.Contents{"a-1": {Version: 170002, Databases: []string{"postgres", "shop"}}},
		standby:  "a-0",
	}
	streams, _, _, errOut := genericiooptions.NewTestIOStreams()
	l := &lister{
		servers: f, report: printers.NewReport(streams, ""),
		databases: func(e *server.Endpoint) reader { return fakeReader{f, e.Pod.Name} },
	}
	list, err := l.list(t.Context(), "shop")
	require.NoError(t, err)
	table := list.Table(time.Now())
	require.Len(t, table.Rows, 2)
	assert.Equal(t, []any{"service/a", "a.shop.svc:5432", "a-1", "patroni", "17.2", "postgres,shop"}, table.Rows[0].Cells[:6])
	assert.Equal(
		t, []any{"service/b", "b.shop.svc:5432", "b-0", "patroni", "", ""}, table.Rows[1].Cells[:6],
		"what cannot be read is empty",
	)
	assert.Equal(t, "service/a,statefulset/a", table.Rows[0].Cells[6])
	assert.Contains(t, errOut.String(), "services is forbidden")
	assert.Contains(t, errOut.String(), "service/b in namespace shop are unknown: no psql there")
	assert.NotContains(t, errOut.String(), "service/a")
	assert.Equal(t, "service/a\nservice/b\n", list.Names())
	objects, err := list.List(time.Now())
	require.NoError(t, err)
	assert.Equal(t, "service/a", objects.Items[0].GetName())
	_, err = objects.MarshalJSON()
	require.NoError(t, err)

	_, err = l.list(t.Context(), "other")
	require.ErrorContains(t, err, "forbidden")
}

func TestOptions_FollowFlags(t *testing.T) {
	for args, check := range map[string]func(o *Options) bool{
		"":        func(o *Options) bool { return o.namespace == "shop" && o.output.IsTable() },
		"-A":      func(o *Options) bool { return o.namespace == "" && o.scope.All },
		"-o wide": func(o *Options) bool { return o.output.IsTable() },
		"-o name": func(o *Options) bool { return !o.output.IsTable() },
	} {
		assert.True(t, check(commandtest.Complete(t, newCommand, args)), args)
	}
}
