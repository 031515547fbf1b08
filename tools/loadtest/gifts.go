package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// wholePathGoal and the others are the ratios that are aimed for.
const wholePathGoal = 0.5

// warmUp gifts go before everything: a program that has just started has empty
// caches, and connections to open.
const warmUp = 300

type sayer func(format string, args ...any)

// measureGifts runs the program, sends it gifts at fixed rates and as fast as it
// takes them, and then has SQLite alone write the same rows.
func measureGifts(ctx context.Context, p plan, t *table, say sayer) (err error) {
	if p.engine == onPostgres {
		return measureOnPostgres(ctx, p, t, say)
	}
	s, err := openStripe(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	i, err := startInstance(ctx, p.program, filepath.Join(p.dir, "gifts"), s.url)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, i.stop()) }()
	b, err := openBooks(i.dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	m := &measurement{plan: p, stripe: s, instance: i, books: b, table: t, say: say}

	_, err = m.burst(ctx, warmUp)
	if err != nil {
		return err
	}
	for _, rate := range p.rates {
		err = m.steady(ctx, rate)
		if err != nil {
			return err
		}
	}
	return m.wholePath(ctx)
}

// measurement is one program under load.
type measurement struct {
	plan
	stripe   *stripe
	instance *instance
	server   *postgres // nil on SQLite, which computes in the program itself
	books    *books
	table    *table
	say      sayer
	written  []rowset // by the last burst
}

// prepare opens sessions as donors do and pays them; the program has not been
// told when it returns.
func (m *measurement) prepare(ctx context.Context, count int) ([]gift, error) {
	began := time.Now()
	sessions, err := openSessions(ctx, m.instance.url(), count)
	if err != nil {
		return nil, err
	}
	opened := time.Since(began)
	gifts, err := m.stripe.pay(ctx, sessions)
	m.say("%d donate forms sent in %.1f s (%.0f/s), paid in %.1f s", count, opened.Seconds(), float64(count)/opened.Seconds(), (time.Since(began) - opened).Seconds())
	return gifts, err
}

// burst is how a number of gifts went that were told of as fast as possible.
type burst struct {
	before    ends
	webhooks  []sent
	delivered time.Duration
	arrivals
	calls int64 // to Stripe, while it lasted
	// computed is the program's processor time until all had arrived, sending
	// that of this process, served that of the database server.
	computed, sending, served time.Duration
}

func (m *measurement) burst(ctx context.Context, count int) (result burst, err error) {
	gifts, err := m.prepare(ctx, count)
	if err != nil {
		return burst{}, err
	}
	if m.hold {
		m.say("process %d is about to be sent %d gifts; press Enter", m.instance.command.Process.Pid, count)
		_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
	}
	result.before, err = m.books.ends(ctx)
	if err != nil {
		return burst{}, err
	}
	calls := m.stripe.calls.Load()
	computed, err := cpuTime(m.instance.command.Process.Pid)
	sending, ownErr := cpuTime(os.Getpid())
	served, serverErr := m.server.computed()
	err = errors.Join(err, ownErr, serverErr)
	if err != nil {
		return burst{}, err
	}
	began := time.Now()
	result.webhooks, err = m.stripe.deliver(ctx, m.instance.addr, gifts, 0)
	if err != nil {
		return burst{}, err
	}
	// Not before: nothing is there to the last gift as long as webhooks are under way,
	// and who looks takes from the program what it is measured by.
	result.delivered = time.Since(began)
	result.arrivals, err = m.books.follow(ctx, result.before, count, began)
	if err != nil {
		return burst{}, err
	}
	result.calls = m.stripe.calls.Load() - calls
	result.computed, err = cpuTime(m.instance.command.Process.Pid)
	result.computed -= computed
	result.sending, ownErr = cpuTime(os.Getpid())
	result.sending -= sending
	result.served, serverErr = m.server.computed()
	result.served -= served
	err = errors.Join(err, ownErr, serverErr)
	m.say("%d gifts: webhooks answered after %.2f s, totals %.2f s, receipts %.2f s, books with fees %.2f s, everything quiet %.2f s; %d calls to Stripe; processor time a gift %.2f ms, of the sender %.2f ms, of the database server %.2f ms",
		count, result.delivered.Seconds(), result.totals.Seconds(), result.receipts.Seconds(), result.entries.Seconds(), result.all().Seconds(), result.calls,
		millis(result.computed, count), millis(result.sending, count), millis(result.served, count))
	return result, err
}

// steady offers so many gifts a second and measures how long each step takes.
func (m *measurement) steady(ctx context.Context, rate int) error {
	count := int(float64(rate) * m.period.Seconds())
	gifts, err := m.prepare(ctx, count)
	if err != nil {
		return err
	}
	before, err := m.books.ends(ctx)
	if err != nil {
		return err
	}
	watching, stop := context.WithCancel(ctx)
	defer stop()
	type watched struct {
		seen []sighting
		err  error
	}
	looked := make(chan watched, 1)
	go func() {
		seen, err := m.books.watch(watching)
		looked <- watched{seen, err}
	}()
	log, err := m.stripe.deliver(ctx, m.instance.addr, gifts, rate)
	if err != nil {
		return err
	}
	_, err = m.books.follow(ctx, before, count, time.Now())
	stop()
	w := <-looked
	err = errors.Join(err, w.err)
	if err != nil {
		return err
	}
	booked, err := m.books.bookedAt(ctx, before.entries, w.seen)
	if err != nil {
		return err
	}
	var intake, ledger []time.Duration
	each := len(kinds())
	for n, g := range gifts {
		for _, webhook := range log[n*each : (n+1)*each] {
			intake = append(intake, webhook.took())
		}
		at, found := booked[g.donationID]
		if !found {
			return fmt.Errorf("the gift %s was not seen in the ledger", g.donationID)
		}
		// From when the webhook that tells of the payment was due, the first of the two.
		ledger = append(ledger, at.Sub(log[n*each].due))
	}
	m.table.add(fmt.Sprintf("webhook → 200 at %d gifts/s (%d webhooks/s), p50 / p99", rate, each*rate), percentiles(intake))
	m.booked(rate, ledger)
	m.say("%d gifts/s for %s: webhook → 200 %s, webhook → ledger %s", rate, m.period, percentiles(intake), percentiles(ledger))
	return nil
}

// rush is what some bursts one after the other had in common.
type rush struct {
	path, answered []float64 // gifts, and webhooks, a second
	took           []time.Duration
	last           burst
}

func (m *measurement) rush(ctx context.Context) (r rush, err error) {
	for range m.bursts {
		r.last, err = m.burst(ctx, m.gifts)
		if err != nil {
			return rush{}, err
		}
		r.path = append(r.path, float64(m.gifts)/r.last.all().Seconds())
		r.answered = append(r.answered, float64(len(r.last.webhooks))/r.last.delivered.Seconds())
		for _, webhook := range r.last.webhooks {
			r.took = append(r.took, webhook.took())
		}
	}
	return r, nil
}

// wholePath compares bursts with SQLite alone, which writes the rows of the last
// one, before and after which nothing else runs.
func (m *measurement) wholePath(ctx context.Context) error {
	rush, err := m.rush(ctx)
	if err != nil {
		return err
	}
	// Documents and mails come behind, also in what has been measured.
	began := time.Now()
	mails, err := m.books.mailed(ctx)
	if err != nil {
		return err
	}
	m.table.add("PDF drawn and mail handed over, after the rush, receipts/s", fmt.Sprintf("%.0f", float64(mails)/time.Since(began).Seconds()))
	err = m.instance.audit(ctx)
	if err != nil {
		return err
	}
	sets, err := m.books.rowsOf(ctx, rush.last.before, m.gifts)
	if err != nil {
		return err
	}
	err = m.instance.stop()
	if err != nil {
		return fmt.Errorf("stop the program: %w", err)
	}
	rows := 0
	for _, set := range sets {
		rows += len(set.rows)
	}
	var bare []float64
	var alone time.Duration
	for n := range m.bursts {
		took, computed, err := insertBare(ctx, filepath.Join(m.dir, fmt.Sprintf("bare%d", n)), sets, m.gifts)
		if err != nil {
			return err
		}
		bare = append(bare, float64(m.gifts)/took.Seconds())
		alone += computed / time.Duration(m.bursts)
	}
	m.say("SQLite alone: %s gifts/s of %.1f rows; processor time a gift %.2f ms", spreadOf(bare), float64(rows)/float64(m.gifts), millis(alone, m.gifts))
	m.table.add("processor time a gift: program, sender, SQLite alone", fmt.Sprintf("%.2f, %.2f, %.2f ms",
		millis(rush.last.computed, m.gifts), millis(rush.last.sending, m.gifts), millis(alone, m.gifts)))
	m.table.add(fmt.Sprintf("webhook → 200 at saturation (%s webhooks/s), p50 / p99", spreadOf(rush.answered)), percentiles(rush.took))
	m.table.add(fmt.Sprintf("SQLite alone, the same %.1f rows a gift, gifts/s", float64(rows)/float64(m.gifts)), spreadOf(bare).String())
	m.table.atLeast("whole path ÷ SQLite alone, gifts/s", spreadOf(rush.path).String(), spreadOf(rush.path).median/spreadOf(bare).median, wholePathGoal)
	return nil
}

// booked adds how long it took until a gift was in the books. On PostgreSQL that
// is promised for one of the rates.
func (m *measurement) booked(rate int, took []time.Duration) {
	what := fmt.Sprintf("webhook → ledger committed at %d gifts/s, p50 / p99", rate)
	if m.engine == onPostgres && rate == promisedRate {
		m.table.atMost(what, percentiles(took), percentile(took, 0.99), bookedGoal)
		return
	}
	m.table.add(what, percentiles(took))
}

// millis is a share of a time, in milliseconds.
func millis(of time.Duration, among int) float64 {
	return float64(of.Microseconds()) / 1000 / float64(among)
}
