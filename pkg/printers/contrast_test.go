package printers

import (
	"encoding/hex"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// contrast is the contrast ratio of two colours as WCAG 2 defines it.
func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	light, dark := luminance(t, a), luminance(t, b)
	if light < dark {
		light, dark = dark, light
	}
	return (light + 0.05) / (dark + 0.05)
}

func luminance(t *testing.T, color string) float64 {
	t.Helper()
	channels, err := hex.DecodeString(strings.TrimPrefix(color, "#"))
	require.NoError(t, err)
	require.Len(t, channels, 3)
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		value := float64(channels[i]) / 255
		if value <= 0.04045 {
			value /= 12.92
		} else {
			value = math.Pow((value+0.055)/1.055, 2.4)
		}
		sum += weight * value
	}
	return sum
}
