package feed

import (
	"context"
	"fmt"
	"sync"

	feedv1 "github.com/almoner/almoner/proto/gen/almoner/feed/v1"
	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/platform/database"
)

const (
	// readLimit bounds the events of one answer, readBytes their size: gRPC
	// refuses messages over 4 MiB.
	readLimit = 512
	readBytes = 1 << 20
)

// Server serves the logs and the parked events of all services of a process. It
// is safe for concurrent use.
type Server struct {
	feedv1.UnimplementedFeedServiceServer
	feedv1.UnimplementedParkingServiceServer

	mu      sync.RWMutex
	logs    map[string]*Log
	parking map[string]Parking
}

// NewServer returns a server that serves nothing yet.
func NewServer() *Server {
	return &Server{logs: map[string]*Log{}, parking: map[string]Parking{}}
}

// AddFeed serves a log under the name of its feed.
func (s *Server) AddFeed(name string, log *Log) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.logs[name] = log
}

// AddParking serves what a service parked.
func (s *Server) AddParking(service string, parking Parking) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.parking[service] = parking
}

func (s *Server) log(name string) (*Log, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	log, known := s.logs[name]
	if !known {
		// Not "not found": the feed exists, in a process that is not this one, or
		// not yet. Whoever asks tries again.
		return nil, apperr.New(apperr.Unavailable, "FEED_NOT_HERE", "This process does not serve that feed.")
	}
	return log, nil
}

func (s *Server) parked(service string) (Parking, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	parking, known := s.parking[service]
	if !known {
		return nil, apperr.New(apperr.NotFound, "SERVICE_UNKNOWN", "No service of that name runs here.")
	}
	return parking, nil
}

// Head returns the newest position of a feed.
func (s *Server) Head(ctx context.Context, request *feedv1.HeadRequest) (*feedv1.HeadResponse, error) {
	log, err := s.log(request.GetFeed())
	if err != nil {
		return nil, err
	}
	answer := &feedv1.HeadResponse{}
	err = log.db.InReadTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		var err error
		answer.Epoch, answer.Pos, err = log.head(ctx, tx)
		if err != nil {
			return err
		}
		at, err := log.markAt(ctx, tx, answer.GetPos())
		if err != nil {
			return err
		}
		answer.EventId, answer.Chain = at.id, at.chain
		answer.CommonPos, err = log.common(ctx, tx, request.GetEpoch(), answer.GetPos())
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read head of feed %s: %w", request.GetFeed(), err)
	}
	return answer, nil
}

// Read returns events after a position, in order and without gaps.
func (s *Server) Read(ctx context.Context, request *feedv1.ReadRequest) (*feedv1.ReadResponse, error) {
	log, err := s.log(request.GetFeed())
	if err != nil {
		return nil, err
	}
	if request.GetAfter() < 0 {
		return nil, apperr.Invalid(apperr.Field{Name: "after", Reason: "POSITION_NEGATIVE", Message: "A position is 0 or more."})
	}
	limit := int(request.GetLimit())
	if limit <= 0 || limit > readLimit {
		limit = readLimit
	}
	var records []record
	answer := &feedv1.ReadResponse{}
	err = log.db.InReadTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		var err error
		answer.Epoch, _, err = log.head(ctx, tx)
		if err != nil {
			return err
		}
		at, err := log.markAt(ctx, tx, request.GetAfter())
		if err != nil {
			return err
		}
		answer.AfterEventId, answer.AfterChain = at.id, at.chain
		records, err = log.after(ctx, tx, request.GetAfter(), limit)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read feed %s after %d: %w", request.GetFeed(), request.GetAfter(), err)
	}
	size := 0
	for _, r := range records {
		size += len(r.Payload)
		if size > readBytes && len(answer.GetEvents()) > 0 {
			break
		}
		answer.Events = append(answer.Events, toProto(r))
	}
	return answer, nil
}

// ListParked returns what a service could not apply, oldest first.
func (s *Server) ListParked(ctx context.Context, request *feedv1.ListParkedRequest) (*feedv1.ListParkedResponse, error) {
	parking, err := s.parked(request.GetService())
	if err != nil {
		return nil, err
	}
	items, err := parking.ListParked(ctx)
	if err != nil {
		return nil, err
	}
	answer := &feedv1.ListParkedResponse{Items: make([]*feedv1.ParkedItem, len(items))}
	for i, item := range items {
		answer.Items[i] = &feedv1.ParkedItem{
			Id: item.ID, Source: item.Source, Type: item.Type, AggregateId: item.AggregateID, Pos: item.Pos,
			Reason: item.Reason, Attempts: int32(min(item.Attempts, 1<<30)), Since: item.Since.UnixMicro(), Waiting: item.Waiting, Courtesy: item.Courtesy,
		}
	}
	return answer, nil
}

// RetryParked applies parked items again, in order.
func (s *Server) RetryParked(ctx context.Context, request *feedv1.RetryParkedRequest) (*feedv1.RetryParkedResponse, error) {
	parking, err := s.parked(request.GetService())
	if err != nil {
		return nil, err
	}
	applied, left, err := parking.RetryParked(ctx, request.GetId())
	if err != nil {
		return nil, err
	}
	return &feedv1.RetryParkedResponse{Applied: int32(applied), Parked: int32(left)}, nil
}
