package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

var (
	errUnbound = errors.New("POSTGRES_HOST, POSTGRES_USERNAME and POSTGRES_PASSWORD are not set")
	// errSettings says nothing of the cause: the driver's own text quotes the connection string.
	errSettings = errors.New("POSTGRES_HOST, POSTGRES_USERNAME or POSTGRES_PASSWORD cannot be used in a connection string")
)

// database is a small pool, or the reason why there is none.
type database struct {
	pool *sql.DB
	err  error
}

// open reads the three variables and makes the pool, without a connection yet. The values go unquoted into the
// connection string, as in the lesson's app: a name or a password that needs quoting does not work.
func open(getenv func(string) string) *database {
	host, user, password := getenv("POSTGRES_HOST"), getenv("POSTGRES_USERNAME"), getenv("POSTGRES_PASSWORD")
	if host == "" || user == "" || password == "" {
		return &database{err: errUnbound}
	}
	config, err := pgx.ParseConfig(fmt.Sprintf("user=%s dbname=postgres sslmode=disable password=%s host=%s", user, password, host))
	if err != nil {
		return &database{err: errSettings}
	}
	pool := stdlib.OpenDB(*config)
	pool.SetMaxOpenConns(4)
	pool.SetMaxIdleConns(4)
	pool.SetConnMaxLifetime(time.Minute)
	return &database{pool: pool}
}

// company is the name in the table COMPANY.
func (d *database) company(ctx context.Context) (string, error) {
	if d.err != nil {
		return "", d.err
	}
	var name string
	err := d.pool.QueryRowContext(ctx, "SELECT NAME FROM COMPANY").Scan(&name)
	return name, err
}

// ready is nil when there is no database to wait for, or when it answers.
func (d *database) ready(ctx context.Context) error {
	if errors.Is(d.err, errUnbound) {
		return nil
	}
	if d.err != nil {
		return d.err
	}
	return d.pool.PingContext(ctx)
}

func (d *database) close() {
	if d.pool != nil {
		_ = d.pool.Close()
	}
}
