package feed

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/almoner/almoner/services/internal/platform/feed/envelope"
)

// Headers of a message: CloudEvents 1.0 in binary mode, and what the delivery
// needs beside it.
const (
	headerSpec        = "ce-specversion"
	headerID          = "ce-id"
	headerType        = "ce-type"
	headerSource      = "ce-source"
	headerSubject     = "ce-subject"
	headerTime        = "ce-time"
	headerContentType = "ce-datacontenttype"
	headerTraceparent = "traceparent"
	headerEpoch       = "almoner-epoch"
	headerPos         = "almoner-pos"
	headerPrev        = "almoner-prev"    // id of the event at the position before
	headerChain       = "almoner-chain"   // hash over the ids of all events up to this one
	headerUntil       = "almoner-until"   // last position that was laid together with this one
	headerVersion     = "almoner-version" // of the aggregate

	headerMsgID        = "Nats-Msg-Id"
	headerExpectedLast = "Nats-Expected-Last-Sequence"

	specVersion = "1.0"
	contentType = "application/protobuf"
)

// source is what a feed's own messages say about where they come from. A
// message without it was written by somebody else.
func source(feed string) string { return "/" + feed }

// delivery is a message as a consumer reads it.
type delivery struct {
	record
	epoch int64
	prev  string
}

// encode builds the message of an event, which is laid together with all up to
// the position until. The expected sequence is the fence: the stream takes it only
// where it belongs.
func encode(feed string, epoch int64, prev string, until int64, r record) *nats.Msg {
	message := &nats.Msg{
		Subject: r.Type,
		Data:    r.Payload,
		Header: nats.Header{
			headerSpec:         {specVersion},
			headerID:           {escape(r.ID)},
			headerType:         {escape(r.Type)},
			headerSource:       {source(feed)},
			headerSubject:      {escape(r.AggregateID)},
			headerTime:         {r.OccurredAt.Format(time.RFC3339Nano)},
			headerContentType:  {contentType},
			headerTraceparent:  {r.Traceparent},
			headerEpoch:        {strconv.FormatInt(epoch, 10)},
			headerPos:          {strconv.FormatInt(r.pos, 10)},
			headerPrev:         {escape(prev)},
			headerUntil:        {strconv.FormatInt(until, 10)},
			headerVersion:      {strconv.FormatInt(r.Version, 10)},
			headerMsgID:        {escape(r.ID)},
			headerExpectedLast: {strconv.FormatInt(r.pos-1, 10)},
		},
	}
	if r.chain != "" {
		message.Header[headerChain] = []string{r.chain}
	}
	return message
}

// ours tells whether a message was written by the feed's relay.
func ours(feed string, header nats.Header) bool { return header.Get(headerSource) == source(feed) }

// followed tells whether others were laid together with a message, which are on
// their way when it arrives. Relays of earlier versions did not say so.
func followed(header nats.Header) bool {
	until, err := strconv.ParseInt(header.Get(headerUntil), 10, 64)
	if err != nil {
		return false
	}
	pos, err := strconv.ParseInt(header.Get(headerPos), 10, 64)
	return err == nil && pos < until
}

// decode reads a message of ours. An error means that it is not to be trusted.
func decode(subject string, header nats.Header, payload []byte) (delivery, error) {
	d := delivery{record: record{chain: header.Get(headerChain), Event: envelope.Event{Type: subject, Traceparent: header.Get(headerTraceparent), Payload: payload}}}
	var err error
	read := func(name string, into *string) {
		value, unescapeErr := url.PathUnescape(header.Get(name))
		if unescapeErr != nil && err == nil {
			err = fmt.Errorf("header %s: %w", name, unescapeErr)
		}
		*into = value
	}
	number := func(name string, into *int64) {
		value, parseErr := strconv.ParseInt(header.Get(name), 10, 64)
		if parseErr != nil && err == nil {
			err = fmt.Errorf("header %s: %w", name, parseErr)
		}
		*into = value
	}
	read(headerID, &d.ID)
	read(headerSubject, &d.AggregateID)
	read(headerPrev, &d.prev)
	number(headerPos, &d.pos)
	number(headerEpoch, &d.epoch)
	number(headerVersion, &d.Version)
	occurredAt, timeErr := time.Parse(time.RFC3339Nano, header.Get(headerTime))
	d.OccurredAt = occurredAt
	switch {
	case err != nil:
		return delivery{}, err
	case timeErr != nil:
		return delivery{}, fmt.Errorf("header %s: %w", headerTime, timeErr)
	case d.ID == "" || d.AggregateID == "" || d.pos < 1 || d.Version < 1:
		return delivery{}, fmt.Errorf("message %q at %d is incomplete", d.ID, d.pos)
	default:
		return d, nil
	}
}

// escape percent-encodes what the CloudEvents binding does not allow in a
// header: everything but printable ASCII, and space, quote and percent sign.
// Ids as a rule are returned as they are.
func escape(value string) string {
	if strings.IndexFunc(value, func(r rune) bool { return !plain(r) }) < 0 {
		return value
	}
	var b strings.Builder
	for _, c := range []byte(value) {
		if plain(rune(c)) {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

func plain(r rune) bool { return r > ' ' && r < 0x7f && r != '"' && r != '%' }
