package faultproxy

import (
	"encoding/json"
	"net"
	"net/http"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Moment is when a fault occurs.
type Moment int

// The moments of an exchange. Those in the middle exist only in an exec over SPDY.
const (
	Before    Moment = iota // the API server does not get the request
	MidStdin                // Fault.Bytes were sent to the command
	MidStdout               // Fault.Bytes were received from the command
	After                   // the API server has acted; of an exec, everything but the command's status was forwarded
)

// Action is what a fault does.
type Action int

// The actions.
const (
	Pass    Action = iota // nothing
	Reset                 // the connection breaks
	Stall                 // nothing more happens until the client ends the connection
	Answer                // an error of the API server with Fault.Code; only Before
	Refuse                // the refusal of a load balancer; only Before
	Resume                // nothing, after the end of Fault.Call: the exchange continues
	Swallow               // the rest of stdout and the status are lost, and the stream ends normally
)

// Fault disturbs an exchange. The zero value disturbs nothing.
type Fault struct {
	Action Action
	Moment Moment
	Bytes  int
	Code   int
	Call   func() // called first; nil: nothing
}

func (f Fault) strikes(m Moment) bool { return f.Action != Pass && f.Action != Resume && f.Moment == m }

// stops returns whether the exchange waits at that moment until the end of Call.
func (f Fault) stops(m Moment) bool { return f.Action == Resume && f.Moment == m }

// call calls Call.
func (f Fault) call() {
	if f.Call != nil {
		f.Call()
	}
}

// answer sends the client the fault instead of the answer.
func (f Fault) answer(w http.ResponseWriter, r *http.Request) {
	f.call()
	switch f.Action {
	case Reset:
		reset(w)
	case Stall:
		<-r.Context().Done()
	case Answer:
		f.refuse(w, r)
	default:
		http.Error(w, "no upgrades here", http.StatusBadRequest)
	}
}

// reset breaks the connection as a crashed peer does.
func reset(w http.ResponseWriter) {
	connection, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := connection.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = connection.Close()
}

// refuse answers as the API server does, with a Status.
func (f Fault) refuse(w http.ResponseWriter, r *http.Request) {
	const retryAfter = 1
	path := strings.Split(r.URL.Path, "/")
	of := schema.GroupResource{Resource: "things"}
	refusal := apierrors.NewGenericServerResponse(f.Code, strings.ToLower(r.Method), of, path[len(path)-1], "said the test", 0, true)
	if f.Code == http.StatusConflict {
		refusal.ErrStatus.Reason = metav1.StatusReasonConflict
	}
	if f.Code == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "1")
		refusal = apierrors.NewTooManyRequests("said the test", retryAfter)
	}
	refusal.ErrStatus.Kind, refusal.ErrStatus.APIVersion = "Status", "v1"
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(f.Code)
	_ = json.NewEncoder(w).Encode(refusal.ErrStatus)
}
