// Command guestbook is a web application with a database. It reads host, user name and password from variables of its own.
package main

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/gin-gonic/gin"
	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrations embed.FS

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	db, err := open()
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	if len(args) == 1 && args[0] == "migrate" {
		return migrate(ctx, db)
	}
	return serve(ctx, db)
}

// open opens the database of the variables GUESTBOOK_DB_HOST, _PORT, _NAME, _USER and _PASSWORD.
func open() (*sql.DB, error) {
	value := func(name string) string { return os.Getenv("GUESTBOOK_DB_" + name) }
	for _, name := range []string{"HOST", "PORT", "NAME", "USER", "PASSWORD"} {
		if value(name) == "" {
			return nil, fmt.Errorf("variable GUESTBOOK_DB_%s is not set", name)
		}
	}
	address := url.URL{
		Scheme: "postgres", User: url.UserPassword(value("USER"), value("PASSWORD")),
		Host: net.JoinHostPort(value("HOST"), value("PORT")), Path: value("NAME"),
	}
	db, err := sql.Open("pgx", address.String())
	if err != nil {
		return nil, errors.New("the variables GUESTBOOK_DB_* are invalid")
	}
	db.SetMaxOpenConns(8)
	return db, nil
}

// migrate runs the migrations that the database lacks.
func migrate(ctx context.Context, db *sql.DB) error {
	goose.SetBaseFS(migrations)
	if err := goose.SetDialect("postgres"); err != nil {
		return err
	}
	return goose.UpContext(ctx, db, "migrations")
}

// serve answers requests until the context ends.
func serve(ctx context.Context, db *sql.DB) error {
	gin.SetMode(gin.ReleaseMode)
	router := gin.New()
	router.GET("/readyz", func(c *gin.Context) { answer(c, http.StatusOK, db.PingContext(c)) })
	router.GET("/entries", func(c *gin.Context) {
		var count int
		err := db.QueryRowContext(c, "SELECT count(*) FROM entries").Scan(&count)
		answer(c, http.StatusOK, err)
	})
	router.POST("/entries", func(c *gin.Context) {
		var entry struct {
			Author string `binding:"required" json:"author"`
			Text   string `binding:"required" json:"text"`
		}
		if err := c.ShouldBindJSON(&entry); err != nil {
			c.String(http.StatusBadRequest, err.Error())
			return
		}
		_, err := db.ExecContext(c, "INSERT INTO entries(author, text) VALUES ($1, $2)", entry.Author, entry.Text)
		answer(c, http.StatusCreated, err)
	})
	server := &http.Server{Addr: ":8080", Handler: router, ReadHeaderTimeout: 5 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- server.ListenAndServe() }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return server.Shutdown(limit)
}

func answer(c *gin.Context, code int, err error) {
	if err != nil {
		c.String(http.StatusInternalServerError, err.Error())
		return
	}
	c.String(code, http.StatusText(code))
}
