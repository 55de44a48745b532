package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestHasCapability(t *testing.T) {
	for name, tc := range map[string]struct {
		status string
		want   bool
		err    string
	}{
		"all capabilities":        {status: "Name:\tx\nCapBnd:\t000001ffffffffff\n", want: true},
		"all but this one":        {status: "CapEff:\t000001ffffffffff\nCapBnd:\t000001fffeffffff\n"},
		"only this one":           {status: "CapBnd:\t0000000001000000\n", want: true},
		"no line":                 {status: "CapEff:\t000001ffffffffff\n", err: "no CapBnd line"},
		"not a hexadecimal value": {status: "CapBnd:\tall\n", err: "bounding set"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := hasCapability(tc.status, capSysResource)
			if tc.err != "" {
				require.ErrorContains(t, err, tc.err)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, tc.want, got)
		})
	}
}
