package main

import (
	"context"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/almoner/almoner/tools/stripesim"
)

// TestMain lets the test binary be the command, so that it can be killed.
func TestMain(m *testing.M) {
	if args := os.Getenv("STRIPESIM_TEST_ARGS"); args != "" {
		os.Exit(run(context.Background(), strings.Fields(args), os.Stderr))
	}
	os.Exit(m.Run())
}

// Killed six times while donors pay, to two accounts: every donor who was sent back
// as paid is paid afterwards, and the books of each account add up.
func TestKilledInTheMiddle(t *testing.T) {
	t.Parallel()
	store := t.TempDir()
	paid := map[string]bool{}
	var connected string
	for range 6 {
		var out terminal
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), "STRIPESIM_TEST_ARGS=--addr 127.0.0.1:0 --store "+store)
		child.Stderr = &out
		err := child.Start()
		if err != nil {
			t.Fatal(err)
		}
		base := waitFor(t, &out, regexp.MustCompile(`dashboard (http://[^/]+)/_sim`))
		if connected == "" {
			connected = connect(t, base)
		}
		accounts := []string{"", connected}
		answered := []chan string{make(chan string, 10_000), make(chan string, 10_000)}
		var donors sync.WaitGroup
		for i, account := range accounts {
			for range 2 {
				donors.Go(func() { giveUntilItBreaks(base, account, answered[i]) })
			}
		}
		for _, gifts := range answered {
			for range 6 {
				paid[<-gifts] = true
			}
		}
		err = child.Process.Kill()
		if err != nil {
			t.Fatal(err)
		}
		_ = child.Wait()
		donors.Wait()
		for _, gifts := range answered {
			close(gifts)
			for id := range gifts {
				paid[id] = true
			}
		}
	}
	sim, err := stripesim.Open(stripesim.Config{Dir: store})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = sim.Close() }()
	for _, id := range sim.Accounts() {
		account, err := sim.Account(id)
		if err != nil {
			t.Fatal(err)
		}
		err = account.CheckInvariants()
		if err != nil {
			t.Error(err)
		}
		kept := 0
		for _, session := range account.Truth().Sessions {
			if session.PaymentStatus == "paid" {
				delete(paid, session.ID)
				kept++
			}
		}
		if kept == 0 {
			t.Errorf("%s has no gifts", id)
		}
	}
	if len(paid) > 0 {
		t.Errorf("%d gifts were answered as paid and are not", len(paid))
	}
}

func giveUntilItBreaks(base, account string, answered chan<- string) {
	client := &http.Client{
		Transport:     &http.Transport{},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	defer client.CloseIdleConnections()
	card := url.Values{
		"email": {"ann@example.org"}, "card_number": {"4242424242424242"}, "exp": {"12/49"}, "cvc": {"123"}, "name": {"Ann Donor"},
	}
	for {
		id, err := createWith(client, base, account)
		if err != nil {
			return
		}
		response, err := client.PostForm(base+"/c/pay/"+id, card)
		if err != nil {
			return
		}
		_ = response.Body.Close()
		if response.StatusCode == http.StatusSeeOther {
			answered <- id
		}
	}
}
