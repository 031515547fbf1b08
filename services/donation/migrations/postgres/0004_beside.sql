-- +goose Up

-- While a site is brought up to date, a process of the version before the list of
-- what is due may store webhooks beside us: as pending in the row itself, which
-- nobody would come to. They are looked for at every turn, by this index, which is
-- empty nearly always.
CREATE INDEX stripe_event_pending ON stripe_event (seq) WHERE state = 'pending';
