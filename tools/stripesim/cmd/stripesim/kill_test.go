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

// Killed six times while donors pay: every donor who was sent back as paid is
// paid afterwards, and the books add up.
func TestKilledInTheMiddle(t *testing.T) {
	t.Parallel()
	store := t.TempDir()
	paid := map[string]bool{}
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
		answered := make(chan string, 10_000)
		var donors sync.WaitGroup
		for range 4 {
			donors.Go(func() { giveUntilItBreaks(base, answered) })
		}
		for range 12 {
			paid[<-answered] = true
		}
		err = child.Process.Kill()
		if err != nil {
			t.Fatal(err)
		}
		_ = child.Wait()
		donors.Wait()
		close(answered)
		for id := range answered {
			paid[id] = true
		}
	}
	sim, err := stripesim.Open(stripesim.Config{Dir: store})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = sim.Close() }()
	err = sim.CheckInvariants()
	if err != nil {
		t.Error(err)
	}
	for _, session := range sim.Truth().Sessions {
		if session.PaymentStatus == "paid" {
			delete(paid, session.ID)
		}
	}
	if len(paid) > 0 {
		t.Errorf("%d gifts were answered as paid and are not", len(paid))
	}
}

func giveUntilItBreaks(base string, answered chan<- string) {
	client := &http.Client{
		Transport:     &http.Transport{},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	defer client.CloseIdleConnections()
	card := url.Values{
		"email": {"ann@example.org"}, "card_number": {"4242424242424242"}, "exp": {"12/49"}, "cvc": {"123"}, "name": {"Ann Donor"},
	}
	for {
		id, err := createWith(client, base)
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
