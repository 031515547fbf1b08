package feed_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/almoner/almoner/services/internal/platform/feed"
	"github.com/almoner/almoner/services/internal/platform/natsserver"
	"github.com/almoner/almoner/services/internal/testkit"
)

// onCluster is a world at a cluster, whose services have the permissions that the
// program gives them, and no more.
type onCluster struct {
	*world
	cluster *testkit.Cluster
	stream  string

	mu    sync.Mutex
	conns []*nats.Conn
}

// Three nodes, TLS, a key for each service, three copies of the stream. The
// stories share the cluster, so they run one after the other.
func TestOnACluster(t *testing.T) {
	t.Parallel()
	cluster := testkit.NewCluster(t, []natsserver.User{
		{Name: producing, Publish: feed.Member{Service: producing, Produces: true}.Publishes()},
		{Name: consuming, Publish: feed.Member{Service: consuming, Consumes: []string{producing}}.Publishes()},
		{Name: "operator", Publish: []string{">"}},
	})
	for _, story := range []struct {
		name string
		tell func(c *onCluster)
	}{
		{"events flow", (*onCluster).flows},
		{"the stream is lost, and polluted", (*onCluster).losesTheStream},
		{"its leader moves", (*onCluster).movesTheLeader},
		{"the leader is lost and comes back", (*onCluster).losesANode},
		{"most nodes are lost and come back", (*onCluster).losesMostNodes},
	} {
		t.Run(story.name, func(t *testing.T) {
			c := &onCluster{cluster: cluster, stream: feed.StreamName(producing)}
			c.world = worldAt(t, testkit.SQLite, nil, c.connectAs)
			c.replicas = 3
			c.wipe()
			story.tell(c)
			c.settle()
			c.laid()
			c.verify()
			c.refusedNothing()
		})
	}
}

func (c *onCluster) connectAs(t testing.TB, service string) *nats.Conn {
	conn := c.cluster.Connect(t, service)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.conns = append(c.conns, conn)
	return conn
}

// refusedNothing says that what happened needed no more than what is permitted:
// without it, consumers would have pulled and nobody noticed.
func (c *onCluster) refusedNothing() {
	c.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.conns {
		err := conn.LastError()
		if err != nil && strings.Contains(strings.ToLower(err.Error()), "permission") {
			c.t.Errorf("%s: %v", conn.Opts.Name, err)
		}
	}
}

// start runs both ends.
func (c *onCluster) start() *feed.Producer {
	producer := c.newProducer()
	c.run(producer.Run)
	c.run(c.newConsumer().Run)
	return producer
}

// delivered gives one event more and waits until it came by the stream and was
// acknowledged there: a consumer that pulls would go on without ever being let in.
func (c *onCluster) delivered() {
	c.t.Helper()
	js := c.streams()
	floor := func() int64 {
		durable, err := js.Consumer(context.Background(), c.stream, consuming)
		if err != nil {
			return -1
		}
		return int64(durable.CachedInfo().AckFloor.Stream)
	}
	testkit.Eventually(c.t, func() bool { return floor() >= 0 })
	c.giveMany(1)
	testkit.Eventually(c.t, func() bool { return floor() == c.status().Head })
}

func (c *onCluster) flows() {
	c.giveMany(50)
	c.start()
	c.giveMany(400)
	c.settle()
	c.laid()
	c.delivered()
	stream, err := c.streams().Stream(c.t.Context(), c.stream)
	if err != nil {
		c.t.Fatal(err)
	}
	if copies := 1 + len(stream.CachedInfo().Cluster.Replicas); copies != 3 {
		c.t.Errorf("the stream has %d copies", copies)
	}
}

func (c *onCluster) losesTheStream() {
	c.start()
	c.giveMany(100)
	c.laid()
	c.wipe()
	c.giveMany(100)
	c.settle()
	c.laid()
	_, err := c.streams().Publish(c.t.Context(), "almoner.donation.v1.DonationSucceeded", []byte("a stranger's gift"))
	if err != nil {
		c.t.Fatal(err)
	}
	c.giveMany(100)
	c.laid()
	c.delivered()
}

func (c *onCluster) movesTheLeader() {
	c.start()
	c.giveMany(50)
	c.laid()
	c.giveMany(50)
	c.cluster.StepDown(c.t, c.stream)
	c.giveMany(50)
	c.delivered()
}

func (c *onCluster) losesANode() {
	c.start()
	c.giveMany(50)
	c.laid()
	lost := c.cluster.Leader(c.stream)
	c.cluster.Stop(lost)
	c.giveMany(100)
	c.settle()
	c.laid()
	c.cluster.Start(c.t, lost)
	c.cluster.Ready(c.t)
	c.giveMany(50)
	c.delivered()
}

// Without a majority nothing can be laid, and of what was sent nobody knows
// whether it was: acknowledgements do not come.
func (c *onCluster) losesMostNodes() {
	producer := c.start()
	c.giveMany(50)
	c.laid()
	leader := c.cluster.Leader(c.stream)
	lost := []int{(leader + 1) % 3, (leader + 2) % 3}
	for _, node := range lost {
		c.cluster.Stop(node)
	}
	c.giveMany(200)
	testkit.Eventually(c.t, func() bool { return producer.Health() != nil })
	if errors.Is(producer.Health(), feed.ErrFork) {
		c.t.Error(producer.Health())
	}
	c.settle() // the consumer pulls
	for _, node := range lost {
		c.cluster.Start(c.t, node)
	}
	c.cluster.Ready(c.t)
	c.giveMany(50)
	c.laid()
	testkit.Eventually(c.t, func() bool { return producer.Health() == nil })
}
