package feed

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/almoner/almoner/services/internal/platform/database"
)

const (
	// relayBatch is how many messages are on their way before all of their
	// acknowledgements are awaited.
	relayBatch = 512
	// ackTimeout bounds the wait for an acknowledgement that got lost.
	ackTimeout = 3 * time.Second
	// callTimeout bounds each question to the broker or to the producer.
	callTimeout  = 2 * time.Second
	longestDelay = 5 * time.Second
)

// stream is the relay's knowledge of the broker, valid until the first doubt.
type stream struct {
	p  *Producer
	js jetstream.JetStream
	// last is the stream's last sequence, which is a position, lastID the event
	// there, epoch what the feed's epoch was when this was learned.
	last   int64
	lastID string
	epoch  int64
	// suspect is a position that was refused although a later one was taken, as
	// when a stranger's message has its place; 0 for none.
	suspect int64
	// rebuilt is when the stream was thrown away, until it is filled again.
	rebuilt time.Time
}

// relay keeps one relay at work, as a rule. The lock is a courtesy: when two
// run after all, the fence refuses whoever is behind.
func (p *Producer) relay(ctx context.Context) {
	for ctx.Err() == nil {
		lock, err := p.takeTurn(ctx)
		if err != nil {
			p.health.set(ctx, fmt.Errorf("relay feed %s: %w", p.cfg.Feed, err))
		}
		if lock == nil {
			pause(ctx, p.cfg.Tick)
			continue
		}
		err = p.lay(ctx, lock)
		lock.Release()
		if err != nil {
			p.health.set(ctx, fmt.Errorf("relay feed %s: %w", p.cfg.Feed, err))
			pause(ctx, p.cfg.Tick)
		}
	}
}

func (p *Producer) takeTurn(ctx context.Context) (*database.Lock, error) {
	if !p.alone {
		return &database.Lock{}, nil
	}
	return p.cfg.DB.TryLock(ctx, "relay "+p.cfg.Feed)
}

// lay fills the stream until ctx ends or the lock is lost.
func (p *Producer) lay(ctx context.Context, lock *database.Lock) error {
	js, err := jetstream.New(p.cfg.NATS, jetstream.WithPublishAsyncTimeout(ackTimeout),
		jetstream.WithPublishAsyncMaxPending(2*relayBatch), jetstream.WithDefaultTimeout(callTimeout))
	if err != nil {
		return err
	}
	defer js.CleanupPublisher()
	reconnected := p.cfg.NATS.StatusChanged(nats.CONNECTED)
	defer p.cfg.NATS.RemoveStatusListener(reconnected)
	ticker := time.NewTicker(p.cfg.Tick)
	defer ticker.Stop()
	s := &stream{p: p, js: js}
	known, failures := false, 0
	for {
		// Whatever went wrong is not interpreted (servers of one and of three
		// replicas answer differently): the stream is asked where it ends.
		if !known {
			err = s.find(ctx)
		}
		if err == nil {
			err = s.fill(ctx)
		}
		known = err == nil
		p.health.set(ctx, err)
		if known {
			failures = 0
			select {
			case <-ctx.Done():
				return nil
			case <-p.cfg.Log.moved:
				continue
			case <-reconnected:
			case <-ticker.C:
			}
		} else {
			failures++
			p.metrics.resyncs.Inc()
			select {
			case <-ctx.Done():
				return nil
			case <-reconnected:
			case <-time.After(min(p.cfg.Tick, backoff(failures))):
			}
		}
		err = lock.Check(ctx)
		if err != nil {
			return err
		}
		// An idle stream is looked at too: a wiped one tells nobody.
		known, err = false, nil
	}
}

// fill publishes what the log has behind the stream's tail.
func (s *stream) fill(ctx context.Context) error {
	records, err := s.read(ctx, s.last)
	for err == nil && len(records) > 0 {
		records, err = s.publish(ctx, records)
	}
	if err == nil && !s.rebuilt.IsZero() {
		s.p.cfg.Logger.InfoContext(ctx, "the stream is filled again", "feed", s.p.cfg.Feed, "position", s.last,
			"took", s.p.cfg.Now().Sub(s.rebuilt))
		s.rebuilt = time.Time{}
	}
	return err
}

func (s *stream) read(ctx context.Context, behind int64) (records []record, err error) {
	err = s.p.cfg.DB.InReadTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		var err error
		records, err = s.p.cfg.Log.after(ctx, tx, behind, relayBatch)
		return err
	})
	return records, err
}

// publish sends a batch, reads the next one while the broker works, and waits
// for all acknowledgements. A missing message stops all later ones of a batch,
// for each expects its predecessor.
func (s *stream) publish(ctx context.Context, records []record) (next []record, err error) {
	first, last := records[0].pos, records[len(records)-1].pos
	ctx, span := s.p.tracer.Start(ctx, "publish "+s.p.cfg.Feed, trace.WithSpanKind(trace.SpanKindProducer),
		trace.WithAttributes(attribute.String("feed", s.p.cfg.Feed), attribute.Int64("first", first), attribute.Int64("last", last)))
	defer span.End()
	acks := make([]jetstream.PubAckFuture, 0, len(records))
	prev := s.lastID
	for _, r := range records {
		ack, sendErr := s.js.PublishMsgAsync(encode(s.p.cfg.Feed, s.epoch, prev, last, r), jetstream.WithRetryAttempts(0))
		if sendErr != nil {
			err = fmt.Errorf("publish position %d: %w", r.pos, sendErr)
			break
		}
		acks = append(acks, ack)
		prev = r.ID
	}
	if err == nil && len(records) == relayBatch {
		next, err = s.read(ctx, last)
	}
	refused := int64(0)
	// All of them are awaited, also after an error: none may still be on its way
	// when the tail is read.
	for i, ack := range acks {
		ackErr := await(ctx, ack, records[i].pos)
		switch {
		case ackErr != nil && err == nil:
			err, refused = ackErr, records[i].pos
		case ackErr == nil && refused > 0 && s.suspect == 0:
			s.suspect = refused
		}
	}
	if err != nil {
		return nil, err
	}
	s.last, s.lastID = last, prev
	s.p.metrics.laid.Set(float64(last))
	return next, nil
}

func await(ctx context.Context, ack jetstream.PubAckFuture, pos int64) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case err := <-ack.Err():
		return fmt.Errorf("publish position %d: %w", pos, err)
	case got := <-ack.Ok():
		if int64(got.Sequence) != pos {
			return fmt.Errorf("position %d was acknowledged as %d", pos, got.Sequence)
		}
		return nil
	}
}

// find asks the stream where it ends and compares that with the log. It makes
// the stream when it is missing and makes it anew when somebody else wrote to it.
func (s *stream) find(ctx context.Context) error {
	handle, err := s.js.Stream(ctx, streamName(s.p.cfg.Feed))
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return s.create(ctx)
	}
	if err != nil {
		return fmt.Errorf("ask for the stream: %w", err)
	}
	tail, err := readTail(ctx, s.p.cfg.Feed, handle)
	if err != nil {
		return err
	}
	// The log is read after the tail. The other way round, a second relay could
	// lay an event in between, and the tail would seem to be ahead of the log.
	view, err := s.view(ctx, tail.pos)
	if err != nil {
		return err
	}
	hole, err := s.holed(ctx, handle)
	if err != nil {
		return err
	}
	if hole {
		return s.rebuild(ctx)
	}
	switch judge(tail, view, s.p.keep) {
	case tailGoOn:
	case tailRebuild:
		return s.rebuild(ctx)
	case tailFork:
		return fmt.Errorf("%w: the stream ends at %d with event %q (epoch %d), the log has head %d and there event %q (epoch %d)",
			ErrFork, tail.pos, tail.id, tail.epoch, view.head, view.atTail.id, view.epoch)
	}
	s.p.compared.Store(true)
	s.last, s.lastID, s.epoch = tail.pos, view.atTail.id, view.epoch
	s.p.metrics.laid.Set(float64(tail.pos))
	return s.configure(ctx, handle)
}

// holed tells whether a stranger's message has the place of an event of ours. A
// lost acknowledgement looks the same from here, so the stream is asked.
func (s *stream) holed(ctx context.Context, handle jetstream.Stream) (bool, error) {
	if s.suspect == 0 {
		return false, nil
	}
	message, err := handle.GetMsg(ctx, uint64(s.suspect))
	switch {
	case errors.Is(err, jetstream.ErrMsgNotFound):
		s.suspect = 0
		return true, nil
	case err != nil:
		return false, fmt.Errorf("read position %d of the stream: %w", s.suspect, err)
	default:
		s.suspect = 0
		return !ours(s.p.cfg.Feed, message.Header), nil
	}
}

// view is what the log says in one snapshot.
type view struct {
	head, epoch int64
	atTail      mark
}

func (s *stream) view(ctx context.Context, tail int64) (v view, err error) {
	log := s.p.cfg.Log
	err = s.p.cfg.DB.InReadTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		var err error
		v.epoch, v.head, err = log.head(ctx, tx)
		if err != nil {
			return err
		}
		v.atTail, err = log.markAt(ctx, tx, tail)
		return err
	})
	if err != nil {
		return view{}, fmt.Errorf("read the log: %w", err)
	}
	return v, nil
}

// configure brings the settings of a stream made by an earlier version, or by
// hand, up to date. One that cannot be changed is made anew.
func (s *stream) configure(ctx context.Context, handle jetstream.Stream) error {
	have := handle.CachedInfo().Config
	want := streamConfig(s.p.cfg.Feed, s.p.cfg.Replicas, s.p.bytes, int64(have.FirstSeq))
	if settled(have, want) {
		return nil
	}
	_, err := s.js.UpdateStream(ctx, want)
	var refused *jetstream.APIError
	if errors.As(err, &refused) && refused.ErrorCode == codeImmutable {
		s.p.cfg.Logger.WarnContext(ctx, "the stream's settings cannot be changed, it is made anew", "feed", s.p.cfg.Feed, "error", err)
		return s.rebuild(ctx)
	}
	if err != nil {
		return fmt.Errorf("change the stream's settings: %w", err)
	}
	s.p.cfg.Logger.InfoContext(ctx, "the stream's settings were changed", "feed", s.p.cfg.Feed)
	return nil
}

// codeImmutable is the server's answer to a setting that a stream has for life.
const codeImmutable jetstream.ErrorCode = 10052

// rebuild throws the stream away and makes it anew. It is never purged: the
// message ids of what was purged would be remembered, and the same events
// swallowed as duplicates.
func (s *stream) rebuild(ctx context.Context) error {
	s.p.cfg.Logger.WarnContext(ctx, "the stream is made anew from the log", "feed", s.p.cfg.Feed)
	s.rebuilt = s.p.cfg.Now()
	s.p.metrics.rebuilds.Inc()
	err := s.js.DeleteStream(ctx, streamName(s.p.cfg.Feed))
	if err != nil && !errors.Is(err, jetstream.ErrStreamNotFound) {
		return fmt.Errorf("delete the stream: %w", err)
	}
	return s.create(ctx)
}

func (s *stream) create(ctx context.Context) error {
	v, err := s.view(ctx, 0)
	if err != nil {
		return err
	}
	first := firstSequence(v.head, s.p.keep)
	v, err = s.view(ctx, first-1)
	if err != nil {
		return err
	}
	_, err = s.js.CreateStream(ctx, streamConfig(s.p.cfg.Feed, s.p.cfg.Replicas, s.p.bytes, first))
	if err != nil {
		return fmt.Errorf("make the stream: %w", err)
	}
	s.p.compared.Store(true)
	s.last, s.lastID, s.epoch = first-1, v.atTail.id, v.epoch
	return nil
}

// backoff is a random delay that grows with each failure.
func backoff(failures int) time.Duration {
	ceiling := min(50*time.Millisecond<<min(failures, 10), longestDelay)
	return ceiling/2 + rand.N(ceiling/2) //nolint:gosec // spreads retries, guards nothing
}

// pause waits, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
