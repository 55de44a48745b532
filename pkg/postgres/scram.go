package postgres

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
)

const (
	scramIterations = 4096
	scramSaltBytes  = 16
)

// Verifier returns the SCRAM-SHA-256 verifier of password in the form that PostgreSQL stores (RFC 5803), with a new random salt.
// The password must pass CheckPassword. For such passwords, the SASLprep of the server changes nothing.
func Verifier(password string) (string, error) {
	if err := CheckPassword(password); err != nil {
		return "", err
	}
	salt := make([]byte, scramSaltBytes)
	if _, err := rand.Read(salt); err != nil {
		return "", fmt.Errorf("create a salt: %w", err)
	}
	return verifier(password, salt)
}

func verifier(password string, salt []byte) (string, error) {
	salted, err := pbkdf2.Key(sha256.New, password, salt, scramIterations, sha256.Size)
	if err != nil {
		// Do not wrap the cause, because it can contain the password.
		return "", errors.New("the SCRAM verifier cannot be computed")
	}
	stored := sha256.Sum256(sign(salted, "Client Key"))
	encode := base64.StdEncoding.EncodeToString
	return fmt.Sprintf(
		"SCRAM-SHA-256$%d:%s$%s:%s", scramIterations, encode(salt), encode(stored[:]),
		encode(sign(salted, "Server Key")),
	), nil
}

func sign(key []byte, text string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}
