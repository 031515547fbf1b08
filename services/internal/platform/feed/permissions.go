package feed

// Member is a service's part in the feeds.
type Member struct {
	Service string
	// Produces says that it has a feed of its own.
	Produces bool
	// Consumes are the feeds that it applies.
	Consumes []string
}

// Publishes returns the NATS subjects that a member may publish to, and no more
// than it needs. Asking JetStream something is publishing, too. Its answers come
// to its own inbox.
//
// A relay makes its own stream, sets it right, reads its end and, when it was
// polluted, deletes it. It may take no message out of it. A consumer makes its
// own durable, on the streams that it applies, fetches and acknowledges; it
// cannot delete it, so nobody's mistake there makes a feed begin anew.
//
// NATS judges subjects and not what is asked: the maker of a stream or a durable
// could let the server copy messages elsewhere. What lands in another's stream
// that way is not its producer's, is passed over and makes that stream anew.
func (m Member) Publishes() []string {
	var subjects []string
	if m.Produces {
		stream := streamName(m.Service)
		subjects = append(subjects, subjectPrefix(m.Service)+">")
		for _, question := range []string{"CREATE", "UPDATE", "DELETE", "INFO", "MSG.GET"} {
			subjects = append(subjects, "$JS.API.STREAM."+question+"."+stream)
		}
	}
	for _, feed := range m.Consumes {
		durable := streamName(feed) + "." + m.Service
		subjects = append(subjects,
			"$JS.API.CONSUMER.CREATE."+durable,
			"$JS.API.CONSUMER.INFO."+durable,
			"$JS.API.CONSUMER.MSG.NEXT."+durable,
			// Servers write the subject of an acknowledgement in one of two forms;
			// the longer one has a domain and an account before the stream.
			"$JS.ACK."+durable+".>",
			"$JS.ACK.*.*."+durable+".>",
		)
	}
	return subjects
}
