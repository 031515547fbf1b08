package rpc

import (
	"context"
	"strings"

	"google.golang.org/grpc"

	"github.com/almoner/almoner/services/internal/apperr"
)

// Directory is one service's connection to all the others, wherever each of them
// runs. A method's name says which service is asked; of the feeds and of parked
// work, which every process serves for its own services, the request does. It is
// safe for concurrent use and does not change.
type Directory struct {
	routes map[string]grpc.ClientConnInterface
}

// NewDirectory knows the connection to each service by its name. It does not
// close them.
func NewDirectory(routes map[string]grpc.ClientConnInterface) *Directory {
	return &Directory{routes: routes}
}

// Invoke asks the service that the call is for.
func (d *Directory) Invoke(ctx context.Context, method string, request, reply any, options ...grpc.CallOption) error {
	conn, err := d.find(method, request)
	if err != nil {
		return err
	}
	return conn.Invoke(ctx, method, request, reply, options...)
}

// NewStream opens a stream to the service that the method's name says.
func (d *Directory) NewStream(ctx context.Context, desc *grpc.StreamDesc, method string, options ...grpc.CallOption) (grpc.ClientStream, error) {
	conn, err := d.find(method, nil)
	if err != nil {
		return nil, err
	}
	return conn.NewStream(ctx, desc, method, options...)
}

func (d *Directory) find(method string, request any) (grpc.ClientConnInterface, error) {
	conn, known := d.routes[asked(method, request)]
	if !known {
		// Not permanent: it may only be that this process was not told, which a
		// restart mends, and events must wait for that and not be parked.
		return nil, apperr.New(apperr.Unavailable, "NOT_IN_DIRECTORY", "A part of the system cannot be reached right now.")
	}
	return conn, nil
}

// asked is the service that a call is for: <service> of
// /almoner.<service>.v1.<Name>/<Method>, or what the request names.
func asked(method string, request any) string {
	service, _, _ := strings.Cut(strings.TrimPrefix(method, "/almoner."), ".")
	if service != "feed" {
		return service
	}
	switch named := request.(type) {
	case interface{ GetFeed() string }:
		return named.GetFeed()
	case interface{ GetService() string }:
		return named.GetService()
	}
	return ""
}
