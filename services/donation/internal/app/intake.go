package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/almoner/almoner/services/donation/internal/domain"
)

const (
	// intakeBatch is how many deliveries share one commit at most.
	intakeBatch = 256
	// intakeQueue bounds the memory of deliveries that wait: 1 MiB bodies.
	intakeQueue = 1024
	intakeTime  = 10 * time.Second
)

// intake commits webhooks in groups. Who comes while nobody commits becomes the
// one writer and takes what has arrived; who comes meanwhile waits for the
// next commit. There is no timer and no goroutine: a delivery alone is
// committed at once, and under load a commit carries as many as came during
// the one before.
type intake struct {
	app *App

	mu      sync.Mutex
	queue   []*delivery
	writing bool

	// awaited belongs to the writer.
	awaited awaited
}

type delivery struct {
	item
	err  error
	done chan struct{} // closed when the event is stored, or could not be
	lead chan struct{} // closed when this one has to write
}

func newIntake(a *App) *intake { return &intake{app: a} }

// Receive stores the body of a verified webhook and returns when that is durable.
// An error means that it may not be; Stripe will send it again. The body is not
// kept.
func (a *App) Receive(ctx context.Context, body []byte) error {
	event, found := a.read(body)
	event.Sealed, event.HasBody = a.Seal.Close(event.EventID, body), true
	event.ReceivedAt = a.micros()
	err := a.intake.store(ctx, item{event: event, found: found})
	if err != nil {
		a.Metrics.Webhook(event.Type, WebhookFailed)
	} else {
		a.Metrics.Webhook(event.Type, WebhookStored)
	}
	if err == nil && event.State == EventIgnored && movesBalance(event.Type) {
		a.toImport.ring()
	}
	return err
}

// read decides where an event goes. What was signed by Stripe and cannot be read
// is kept for staff, under the hash of what it is, so that its repetitions are one.
func (a *App) read(body []byte) (StripeEvent, *Found) {
	event, found, err := a.Stripe.ReadEvent(body)
	switch {
	case err != nil:
		sum := sha256.Sum256(body)
		return StripeEvent{
			EventID: "unreadable:" + hex.EncodeToString(sum[:]), Livemode: a.cfg.Livemode,
			State: EventParked, Reason: domain.NotDecodable,
		}, nil
	case event.Livemode != a.cfg.Livemode:
		event.State, event.Reason = EventParked, domain.LivemodeDiffers
	case readingOf(event.Type) == readNot:
		event.State = EventIgnored
	default:
		event.State = EventPending
	}
	return event, found
}

func (in *intake) store(ctx context.Context, it item) error {
	d := &delivery{item: it, done: make(chan struct{}), lead: make(chan struct{})}
	in.mu.Lock()
	if len(in.queue) >= intakeQueue {
		in.mu.Unlock()
		return fmt.Errorf("store webhook: %d are waiting already", intakeQueue)
	}
	in.queue = append(in.queue, d)
	lead := !in.writing
	in.writing = true
	in.mu.Unlock()

	if !lead {
		// A caller who goes away leaves its delivery behind: it is stored all the
		// same, and the writer's role must not be lost with it.
		select {
		case <-d.done:
			return d.err
		case <-d.lead:
		}
	}
	in.write(context.WithoutCancel(ctx))
	<-d.done
	return d.err
}

// write commits one group and hands the role on.
func (in *intake) write(ctx context.Context) {
	// Who is being read just now joins this group. One that comes alone waits for
	// nobody.
	runtime.Gosched()
	in.mu.Lock()
	count := min(len(in.queue), intakeBatch)
	group := in.queue[:count:count]
	in.queue = in.queue[count:]
	in.mu.Unlock()

	err := in.commit(ctx, group)

	in.mu.Lock()
	if len(in.queue) > 0 {
		close(in.queue[0].lead)
	} else {
		in.queue = nil
		in.writing = false
	}
	in.mu.Unlock()
	for _, d := range group {
		d.err = err
		close(d.done)
	}
}

func (in *intake) commit(ctx context.Context, group []*delivery) error {
	ctx, cancel := context.WithTimeout(ctx, intakeTime)
	defer cancel()
	items := make([]item, 0, len(group))
	seen := make(map[EventKey]bool, len(group))
	for _, d := range group {
		// Stripe may send the same event twice at the same moment.
		if !seen[d.event.Key()] {
			seen[d.event.Key()] = true
			items = append(items, d.item)
		}
	}
	err := in.app.takeIn(ctx, items, &in.awaited)
	if err != nil {
		return fmt.Errorf("store webhooks: %w", err)
	}
	return nil
}
