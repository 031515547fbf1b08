package node

import (
	"fmt"

	"github.com/almoner/almoner/services/internal/platform/feed"
	"github.com/almoner/almoner/services/internal/platform/natsserver"
)

// feedMembers are the services on the bus. What each may do there follows from
// this table and nothing else; a test holds it against what the services' own
// packages say of their events.
func feedMembers() []feed.Member {
	return []feed.Member{
		{Service: "donation", Produces: true},
		{Service: "fundraiser", Produces: true, Consumes: []string{"donation"}},
		{Service: "receipt", Consumes: []string{"donation", "fundraiser"}},
		{Service: "ledger", Consumes: []string{"donation", "fundraiser"}},
	}
}

// WriteNATSKeys writes into dir what a NATS server and the services need to know
// each other, and returns the services with their public keys. Keys that are
// there stay.
func WriteNATSKeys(dir string) ([]natsserver.User, error) {
	members := feedMembers()
	users := make([]natsserver.User, len(members))
	for i, member := range members {
		users[i] = natsserver.User{Name: member.Service, Publish: member.Publishes()}
	}
	users, err := natsserver.WriteKeys(dir, users)
	if err != nil {
		return nil, fmt.Errorf("write keys for NATS: %w", err)
	}
	return users, nil
}

func natsURLs(target *string) func(string) error {
	return func(value string) error {
		*target = value
		if value == "" {
			return nil
		}
		return natsserver.CheckURLs(value)
	}
}
