package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"sync"
)

const (
	// givers are how many donors press the button at the same time.
	givers = 24
	// page is a supporter's page of the sample data.
	page = "/f/salma-walks-the-coast"
)

// openSessions sends so many donate forms, as donors do, and returns the checkout
// sessions they were sent to.
func openSessions(ctx context.Context, site string, count int) ([]string, error) {
	client := &http.Client{
		Transport:     &http.Transport{MaxIdleConnsPerHost: givers},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	defer client.CloseIdleConnections()
	sessions := make([]string, count)
	failures := make([]error, givers)
	var group sync.WaitGroup
	for giver := range givers {
		group.Go(func() {
			for i := giver; i < count && failures[giver] == nil; i += givers {
				sessions[i], failures[giver] = openSession(ctx, client, site, i)
			}
		})
	}
	group.Wait()
	return sessions, errors.Join(failures...)
}

func openSession(ctx context.Context, client *http.Client, site string, number int) (string, error) {
	form := url.Values{
		"intent": {newIntent()}, "amount": {strconv.Itoa(10+number%90) + ".00"}, "currency": {"EUR"}, "frequency": {"once"},
		"name": {fmt.Sprintf("Nadia Rahman %d", number)}, "email": {fmt.Sprintf("nadia%d@example.org", number)},
		"visibility": {"public"}, "message": {"For those who had to leave."},
	}
	if number%2 == 1 {
		form.Set("cover_fees", "1")
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, site+page+"/donate", strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := client.Do(request)
	if err != nil {
		return "", fmt.Errorf("send the donate form: %w", err)
	}
	_, _ = io.Copy(io.Discard, response.Body)
	_ = response.Body.Close()
	location, err := response.Location()
	if err != nil || response.StatusCode != http.StatusSeeOther {
		return "", fmt.Errorf("the donate form answered %d instead of sending the donor to Stripe", response.StatusCode)
	}
	return path.Base(location.Path), nil
}

// newIntent is a random UUID, as the form draws one.
func newIntent() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // documented never to fail
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}
