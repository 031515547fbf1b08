package testkit

import "go.uber.org/goleak"

// ForgottenByNATS are goroutines that NATS leaves behind and nobody can wait for: two of
// its server when that is stopped while it makes a stream, as when a test is over
// before its last service had begun, and one of its client when a publisher is closed at
// its first message. Everything else that goes on after a test is a leak of ours.
func ForgottenByNATS() []goleak.Option {
	return []goleak.Option{
		goleak.IgnoreAnyFunction("github.com/nats-io/nats-server/v2/server.(*fileStore).flushStreamStateLoop"),
		goleak.IgnoreAnyFunction("github.com/nats-io/nats-server/v2/server/ats.Register.func1"),
		goleak.IgnoreAnyFunction("github.com/nats-io/nats.go/jetstream.(*jetStream).resetPendingAcksOnReconnect"),
	}
}
