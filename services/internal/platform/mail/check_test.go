package mail

import (
	"strings"
	"testing"
)

// An operator learns that the password is wrong before the first receipt is due.
func TestALookAtTheServerSendsNothing(t *testing.T) {
	t.Parallel()
	server := serve(t, habits{extensions: []string{"STARTTLS", "AUTH PLAIN"}})
	err := server.sender(t, smtpURL).Check(t.Context())
	if err != nil || len(server.taken()) != 0 {
		t.Errorf("%v, %d deliveries", err, len(server.taken()))
	}
	_, secured := server.heard()
	if strings.Contains(secured, "MAIL") || !strings.HasSuffix(secured, "QUIT") {
		t.Errorf("the server heard\n%s", secured)
	}
	err = server.sender(t, "smtp://relief:old%20horse@mail.example.org").Check(t.Context())
	if err == nil || !strings.Contains(err.Error(), "535") {
		t.Errorf("a wrong password: %v", err)
	}
	assertSilent(t, err)
}
