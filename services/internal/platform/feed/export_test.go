package feed

// Racing lets a relay run beside others, as when the lock's connection was cut
// and nobody noticed.
func Racing(p *Producer) *Producer {
	p.alone = false
	return p
}

// Keeping makes a stream that is made anew begin so many events before the head.
func Keeping(p *Producer, events int64) *Producer {
	p.keep = events
	return p
}

// Holding makes a stream full after so many bytes.
func Holding(p *Producer, bytes int64) *Producer {
	p.bytes = bytes
	return p
}

// Sequence runs the sequencer once.
var Sequence = (*Log).sequence

// StreamName is the name of a feed's stream.
var StreamName = streamName
