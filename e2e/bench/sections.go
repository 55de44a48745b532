package main

import (
	"context"
	"fmt"
	"runtime"
	"strings"
)

// section is a part of the benchmark that stands by itself.
type section struct {
	name string
	run  func(*bench, context.Context, *report) error
}

// sections are in the order of the report; the script's time of the first is what later ones are held against.
func sections() []section {
	return []section{
		{"bind", (*bench).benchBind},
		{"requests", (*bench).benchRequests},
		{"start", (*bench).benchStart},
		{"fleet", (*bench).benchFleet},
	}
}

func sectionNames() string {
	var names []string
	for _, s := range sections() {
		names = append(names, s.name)
	}
	return strings.Join(names, ", ")
}

// measure runs all sections, or only one.
func (b *bench) measure(ctx context.Context, only string) (*report, error) {
	version, err := b.client.Discovery().ServerVersion()
	if err != nil {
		return nil, fmt.Errorf("ask the API server for its version: %w", err)
	}
	r := &report{runs: b.runs, machine: fmt.Sprintf("%d cores, which the cluster, its databases and the client share; Kubernetes %s", runtime.NumCPU(), version.GitVersion)}
	for _, s := range sections() {
		if only != "" && s.name != only {
			continue
		}
		say("section %s", s.name)
		if err := s.run(b, ctx, r); err != nil {
			return nil, fmt.Errorf("section %s: %w", s.name, err)
		}
	}
	return r, nil
}
