package tollgate_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	tollgate "tollgate.example/go"
)

func TestWebhooksAreVerifiedAsInAllClients(t *testing.T) {
	type delivery struct {
		About   string
		Secrets []string
		Headers map[string]string
		Body    string
		Now     int64
		Message string
	}
	file := readShared[struct {
		Verified, Refused []delivery
		SecretsRefused    []string `json:"secrets_refused"`
	}](t, "webhook.json")
	for _, delivery := range append(file.Verified, file.Refused...) {
		verifier, err := tollgate.NewWebhookVerifier(delivery.Secrets...)
		if err != nil {
			t.Fatal(err)
		}
		header := http.Header{}
		for name, value := range delivery.Headers {
			header.Set(name, value)
		}
		got := ""
		err = verifier.VerifyAt(header, []byte(delivery.Body), time.Unix(delivery.Now, 0))
		if err != nil {
			got = strings.TrimPrefix(err.Error(), "tollgate: ")
		}
		expect(t, delivery.About, got, delivery.Message)
	}
	for _, secret := range file.SecretsRefused {
		_, err := tollgate.NewWebhookVerifier(secret)
		if err == nil || err.Error() != "tollgate: the secret of a webhook is whsec_ and base64" {
			t.Errorf("%q: %v", secret, err)
		}
	}
	if len(file.Verified) < 10 || len(file.Refused) < 30 || len(file.SecretsRefused) < 10 {
		t.Error("cases are missing")
	}
}

func TestAWebhookVerifierHasASecretAndATolerance(t *testing.T) {
	if _, err := tollgate.NewWebhookVerifier(); err == nil {
		t.Error("it has no secret")
	}
	verifier, err := tollgate.NewWebhookVerifier("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		t.Fatal(err)
	}
	header := http.Header{}
	header.Set("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek")
	header.Set("webhook-timestamp", "1614265330")
	header.Set("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
	body := []byte(`{"test": 2432232314}`)
	// It is years old.
	if err := verifier.Verify(header, body); err == nil || !strings.Contains(err.Error(), "past") {
		t.Error(err)
	}
	verifier.Tolerance = 100 * 365 * 24 * time.Hour
	expect(t, "error", verifier.Verify(header, body), nil)
}
