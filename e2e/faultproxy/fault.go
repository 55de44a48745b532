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

// Moment is when a fault strikes.
type Moment int

// The moments of an exchange. Those in the middle exist only in an exec over SPDY.
const (
	Before    Moment = iota // the API server does not hear of the request
	MidStdin                // Fault.Bytes have gone to the command
	MidStdout               // Fault.Bytes have come from the command
	After                   // the API server has acted; of an exec: all but the command's status was passed on
)

// Action is what a fault does.
type Action int

// The actions.
const (
	Pass    Action = iota // nothing
	Reset                 // the connection breaks
	Stall                 // nothing more happens until the client goes
	Answer                // the API server seems to refuse with Fault.Code; only Before
	Refuse                // a load balancer seems to refuse; only Before
	Resume                // nothing, once Fault.Call has been made: the exchange goes on as if it had not been stopped
	Swallow               // what is left of stdout, and the status, get lost, while the stream ends as it should
)

// Fault is what disturbs an exchange. The zero value disturbs nothing.
type Fault struct {
	Action Action
	Moment Moment
	Bytes  int
	Code   int
	Call   func() // done first; nil: nothing
}

func (f Fault) strikes(m Moment) bool { return f.Action != Pass && f.Action != Resume && f.Moment == m }

// stops says that the exchange waits at that moment until Call has been made.
func (f Fault) stops(m Moment) bool { return f.Action == Resume && f.Moment == m }

// call does what is to be done first.
func (f Fault) call() {
	if f.Call != nil {
		f.Call()
	}
}

// answer does to the client what takes the place of the answer.
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
