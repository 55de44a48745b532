// Command app is the lesson's web app: one page that shows the company's name from PostgreSQL.
package main

import (
	"context"
	"errors"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// drainTime is how long the app still answers after it gets the signal to stop: Services need that long to take it out.
const drainTime = 3 * time.Second

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		log.Fatal(err)
	}
}

// run serves until ctx ends, then drains; the database is closed last, so that no request meets a closed pool.
func run(ctx context.Context) error {
	site := &site{database: open(os.Getenv)}
	defer site.database.close()
	server := &http.Server{Addr: ":8080", Handler: site.routes(), ReadHeaderTimeout: 5 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.ListenAndServe() }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	site.draining.Store(true)
	server.SetKeepAlivesEnabled(false)
	time.Sleep(drainTime)
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return errors.Join(server.Shutdown(grace), ignoreClosed(<-failed))
}

// ignoreClosed drops the error by which a server says that it was shut down as asked.
func ignoreClosed(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}
