package postgres

import (
	"encoding/base64"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The example of RFC 7677, section 3: the keys follow from its password, salt and iteration count.
func TestVerifierOfTheRFC(t *testing.T) {
	salt, err := base64.StdEncoding.DecodeString("W22ZaJ0SNY7soEsUEjb6gQ==")
	require.NoError(t, err)
	got, err := verifier("pencil", salt)
	require.NoError(t, err)
	assert.Equal(
		t,
		"SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=",
		got,
	)
}

func TestVerifierDrawsANewSalt(t *testing.T) {
	first, err := Verifier("secret")
	require.NoError(t, err)
	second, err := Verifier("secret")
	require.NoError(t, err)
	assert.NotEqual(t, first, second)
	assert.NotContains(t, first, "secret")
}

func TestVerifierRefusesWhatTheServerWouldPrepare(t *testing.T) {
	for _, password := range []string{"", "tab\t", "nul\x00", "é", "del\x7f"} {
		_, err := Verifier(password)
		require.Error(t, err)
		if password != "" {
			assert.NotContains(t, err.Error(), password)
		}
	}
}
