-- +goose Up
ALTER TABLE entries ADD COLUMN author text NOT NULL DEFAULT '', ADD COLUMN written timestamptz NOT NULL DEFAULT now();
CREATE INDEX entries_written ON entries(written);
