package faultproxy

import (
	"net/http"
	"strconv"
	"strings"
)

// Exchange is one request and its answer.
type Exchange struct {
	// Request is the method and the path, and whether the request was a dry run. Equal ones are told apart by Nth, from 1.
	Request string
	Nth     int
	Exec    bool
	// Protocol is what the API server switched the connection to: "spdy/3.1" or "websocket"; empty if it did not.
	Protocol string
	// Stdin and Stdout are the bytes of an exec over SPDY that went by.
	Stdin, Stdout int
}

func exchangeOf(r *http.Request) *Exchange {
	e := &Exchange{Request: r.Method + " " + r.URL.Path, Nth: 1, Exec: strings.HasSuffix(r.URL.Path, "/exec")}
	if r.URL.Query().Has("dryRun") {
		e.Request += " (dry run)"
	}
	return e
}

// String is the exchange as a test names it.
func (e Exchange) String() string {
	if e.Nth == 1 {
		return e.Request
	}
	return e.Request + " #" + strconv.Itoa(e.Nth)
}
