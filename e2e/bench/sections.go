package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
)

// section is an independent part of the benchmark.
type section struct {
	name string
	run  func(*bench, context.Context, *report) error
}

// sections returns the sections in the order of the report. Each deletes its objects before the next one starts.
func sections() []section {
	return []section{
		{"bind", (*bench).benchBind},
		{"requests", (*bench).benchRequests},
		{"start", (*bench).benchStart},
		{"fleet", (*bench).benchFleet},
		{"ansible", (*bench).benchAnsible},
		{"many", (*bench).benchMany},
		{"restart", (*bench).benchRestart},
		{"relations", (*bench).benchRelations},
		{"isolated", (*bench).benchIsolated},
		{"audit", (*bench).benchAudit},
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
	r := &report{
		Runs:   b.runs,
		Fleets: b.fleets,
		Machine: fmt.Sprintf(
			"%d cores, which the cluster, its databases and the client share; Kubernetes %s", runtime.NumCPU(),
			version.GitVersion,
		),
	}
	for _, s := range sections() {
		if only != "" && s.name != only {
			continue
		}
		if err := awaitRest(ctx); err != nil {
			return nil, err
		}
		say("section %s", s.name)
		if err := errors.Join(s.run(b, ctx, r), b.cleanUp(context.WithoutCancel(ctx))); err != nil {
			return nil, fmt.Errorf("section %s: %w", s.name, err)
		}
	}
	return r, nil
}
