package tollgate

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	webhookID        = "Webhook-Id"
	webhookTimestamp = "Webhook-Timestamp"
	webhookSignature = "Webhook-Signature"

	webhookTolerance = 5 * time.Minute
	// timestampDigitsMax lets every time fit into 64 bits.
	timestampDigitsMax = 15
)

// WebhookVerifier says whether what is posted to a webhook comes from the server: it verifies the
// signature of Standard Webhooks, version 1. It is safe for concurrent use.
//
// The server may post a delivery again: a receiver that has seen its header webhook-id may ignore it.
type WebhookVerifier struct {
	// Tolerance is how far the time of a delivery may be from now, in both directions; 5 minutes
	// by default. Set it before the first use.
	Tolerance time.Duration

	keys [][]byte
}

// NewWebhookVerifier makes one for the secrets that CreateWebhook and RotateWebhookSecret return; a
// delivery that is signed with any of them is verified. While a secret is rotated the server signs
// with both, so that the old one or the new one is enough. It fails if a secret is none.
func NewWebhookVerifier(secrets ...string) (*WebhookVerifier, error) {
	if len(secrets) == 0 {
		return nil, errors.New("tollgate: a webhook verifier needs a secret")
	}
	verifier := &WebhookVerifier{Tolerance: webhookTolerance}
	for _, secret := range secrets {
		text, found := strings.CutPrefix(secret, "whsec_")
		key, err := base64.StdEncoding.DecodeString(text)
		if !found || err != nil || text == "" || base64.StdEncoding.EncodeToString(key) != text {
			return nil, errors.New("tollgate: the secret of a webhook is whsec_ and base64")
		}
		verifier.keys = append(verifier.keys, key)
	}
	return verifier, nil
}

// Verify returns nil if the delivery with these headers and this body, byte by byte as it came, is
// from the server and not old. Answer 400 to a delivery that is not; the error says why, without
// anything secret.
func (v *WebhookVerifier) Verify(header http.Header, body []byte) error {
	return v.VerifyAt(header, body, time.Now())
}

// VerifyAt is Verify at another time than now, for tests and for deliveries that were kept.
func (v *WebhookVerifier) VerifyAt(header http.Header, body []byte, now time.Time) error {
	values := map[string]string{}
	for _, name := range []string{webhookID, webhookTimestamp, webhookSignature} {
		if values[name] = header.Get(name); values[name] == "" {
			return fmt.Errorf("tollgate: %s is missing", strings.ToLower(name))
		}
	}
	timestamp := values[webhookTimestamp]
	if err := v.checkTime(timestamp, now); err != nil {
		return err
	}
	var given [][]byte
	for _, signature := range strings.Split(values[webhookSignature], " ") {
		if strings.HasPrefix(signature, "v1,") {
			given = append(given, []byte(signature))
		}
	}
	if given == nil {
		return errors.New(
			"tollgate: webhook-signature has no signature of version 1, such as v1,…")
	}
	for _, key := range v.keys {
		mac := hmac.New(sha256.New, key)
		// A hash takes everything.
		_, _ = fmt.Fprintf(mac, "%s.%s.", values[webhookID], timestamp)
		_, _ = mac.Write(body)
		expected := []byte("v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)))
		for _, signature := range given {
			if hmac.Equal(signature, expected) {
				return nil
			}
		}
	}
	return errors.New("tollgate: webhook-signature does not fit: the secret is another one, or " +
		"the body is not as it was sent")
}

func (v *WebhookVerifier) checkTime(timestamp string, now time.Time) error {
	isDigit := func(letter rune) bool { return letter >= '0' && letter <= '9' }
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || len(timestamp) > timestampDigitsMax ||
		strings.ContainsFunc(timestamp, func(letter rune) bool { return !isDigit(letter) }) {
		return errors.New("tollgate: webhook-timestamp is no whole number of seconds")
	}
	age, where := now.Unix()-seconds, "past"
	if age < 0 {
		age, where = -age, "future"
	}
	if tolerance := v.Tolerance.Seconds(); float64(age) > tolerance {
		return fmt.Errorf("tollgate: webhook-timestamp is %d s in the %s; expected at most %g s",
			age, where, tolerance)
	}
	return nil
}
