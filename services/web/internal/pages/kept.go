package pages

import (
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/almoner/almoner/services/web/internal/live"
)

const (
	// keptMost bounds the memory: of drawn pages, some 30 kB each and 4 kB more for
	// each way they were shared; of answers, some 10 kB.
	keptMost = 2000
	// keptFor is how long something is shown though nothing is known to have changed:
	// what no stream tells of (a donor's name that can be shown again) is then seen as
	// well.
	keptFor = 30 * time.Second
)

// kept holds what was made of the fundraiser service's answers while nothing has
// changed, so that work is done once for each change and not for each reader. What it
// holds belongs to all who get it: nobody changes it. It is safe for concurrent use.
type kept[K comparable, V any] struct {
	mu   sync.Mutex
	held map[K]held[V]
	// making keeps a thousand readers whom one gift calls back from having the same
	// made a thousand times.
	making singleflight.Group
}

type held[V any] struct {
	value V
	stamp live.Stamp
	at    time.Time
}

func newKept[K comparable, V any]() *kept[K, V] { return &kept[K, V]{held: map[K]held[V]{}} }

// get returns what was made under the stamp, or makes it. What is not whole is given
// to those who wait for it and to nobody after them.
func (k *kept[K, V]) get(key K, stamp live.Stamp, now time.Time, produce func() (value V, whole bool, err error)) (V, error) {
	found, ok := k.find(key, stamp, now)
	if ok {
		return found, nil
	}
	// Only who was given the same stamp waits together: what was begun before the last
	// change may be older than it.
	result, err, _ := k.making.Do(fmt.Sprintf("%+v %+v", key, stamp), func() (any, error) {
		value, whole, err := produce()
		if err == nil && whole {
			k.keep(key, held[V]{value: value, stamp: stamp, at: now})
		}
		return value, err
	})
	made, _ := result.(V)
	return made, err
}

func (k *kept[K, V]) find(key K, stamp live.Stamp, now time.Time) (value V, ok bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	found, known := k.held[key]
	if !known || found.stamp != stamp || now.Sub(found.at) > keptFor {
		return value, false
	}
	return found.value, true
}

func (k *kept[K, V]) keep(key K, made held[V]) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.held) >= keptMost {
		// Which one goes does not matter: what is read is soon here again.
		for other := range k.held {
			delete(k.held, other)
			break
		}
	}
	k.held[key] = made
}
