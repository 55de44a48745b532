package main

import (
	"context"
	"fmt"
	"html"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// requestTime is the most a page or a readiness probe waits for the database.
const requestTime = 3 * time.Second

// site answers the page and the readiness probe.
type site struct {
	database *database
	draining atomic.Bool
}

func (s *site) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.page)
	mux.HandleFunc("GET /readyz", s.ready)
	return mux
}

// page answers with the company's name, or with 500 and the database's error on one line.
func (s *site) page(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), requestTime)
	defer cancel()
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	company, err := s.database.company(ctx)
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = fmt.Fprintf(w, "<h1>Simple PostgreSQL Web App</h1><h2>Error: %s<h2>", html.EscapeString(oneLine(err)))
		return
	}
	_, _ = fmt.Fprintf(w, "<h1>Simple PostgreSQL Web App</h1><h2>Company: %s<h2>", html.EscapeString(company))
}

// ready is true for an app that was given no database, so that its page can say so; a bound app is ready
// when its database answers, so that a rollout with credentials that do not work stops at its first Pod.
func (s *site) ready(w http.ResponseWriter, r *http.Request) {
	if s.draining.Load() {
		http.Error(w, "stopping", http.StatusServiceUnavailable)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), requestTime)
	defer cancel()
	if err := s.database.ready(ctx); err != nil {
		http.Error(w, oneLine(err), http.StatusServiceUnavailable)
		return
	}
	_, _ = fmt.Fprintln(w, "ok")
}

// oneLine is the error's text on one line: the driver spreads a failed connection over several.
func oneLine(err error) string {
	return strings.Join(strings.Fields(err.Error()), " ")
}
