package faultproxy

import (
	"net/http"
	"strconv"
	"strings"
)

// Exchange is one request and its answer.
type Exchange struct {
	// Request is the method and the path, and whether the request was a dry run. Nth numbers equal requests from 1.
	Request string
	Nth     int
	Exec    bool
	// Protocol is the protocol to which the API server upgraded the connection: "spdy/3.1", "websocket", or empty.
	Protocol string
	// Stdin and Stdout count the bytes of an exec over SPDY.
	Stdin, Stdout int
}

func exchangeOf(r *http.Request) *Exchange {
	e := &Exchange{Request: r.Method + " " + r.URL.Path, Nth: 1, Exec: strings.HasSuffix(r.URL.Path, "/exec")}
	if r.URL.Query().Has("dryRun") {
		e.Request += " (dry run)"
	}
	return e
}

// String returns the exchange in the form in which tests name it.
func (e Exchange) String() string {
	if e.Nth == 1 {
		return e.Request
	}
	return e.Request + " #" + strconv.Itoa(e.Nth)
}
