package rpc

import (
	"context"
	"errors"
	"fmt"
	"io"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"

	"github.com/almoner/almoner/services/internal/apperr"
)

// domain marks error details as ours; codeKey carries the code that gRPC's
// own codes are too few for.
const (
	domain  = "almoner"
	codeKey = "code"
)

// transport pairs our codes with gRPC's. Several of ours may travel as one of
// theirs; the detail tells them apart again.
var transport = map[apperr.Code]codes.Code{
	apperr.InvalidArgument:    codes.InvalidArgument,
	apperr.NotFound:           codes.NotFound,
	apperr.AlreadyExists:      codes.AlreadyExists,
	apperr.FailedPrecondition: codes.FailedPrecondition,
	apperr.Gone:               codes.FailedPrecondition,
	apperr.TooLarge:           codes.InvalidArgument,
	apperr.Unauthenticated:    codes.Unauthenticated,
	apperr.PermissionDenied:   codes.PermissionDenied,
	apperr.ResourceExhausted:  codes.ResourceExhausted,
	apperr.Aborted:            codes.Aborted,
	apperr.Unavailable:        codes.Unavailable,
	apperr.DeadlineExceeded:   codes.DeadlineExceeded,
	apperr.Canceled:           codes.Canceled,
	apperr.Internal:           codes.Internal,
}

// toStatus builds the answer from the public half alone. Handing err itself to
// gRPC would send its text, and with it whatever was wrapped.
func toStatus(err error) error {
	public := apperr.Public(err)
	if public == nil {
		return nil
	}
	answer := status.New(transport[public.Code], public.Message)
	details := []protoadapt.MessageV1{&errdetails.ErrorInfo{
		Reason:   public.Reason,
		Domain:   domain,
		Metadata: map[string]string{codeKey: string(public.Code)},
	}}
	if len(public.Fields) > 0 {
		violations := make([]*errdetails.BadRequest_FieldViolation, len(public.Fields))
		for i, f := range public.Fields {
			violations[i] = &errdetails.BadRequest_FieldViolation{Field: f.Name, Reason: f.Reason, Description: f.Message}
		}
		details = append(details, &errdetails.BadRequest{FieldViolations: violations})
	}
	detailed, detailErr := answer.WithDetails(details...)
	if detailErr != nil {
		// Text that is not UTF-8 cannot be sent; the code still can.
		return status.Error(transport[public.Code], "")
	}
	return detailed.Err()
}

// fromStatus rebuilds the apperr.Error that a call failed with. What gRPC
// itself reports (no connection, deadline) becomes one too, with gRPC's text
// as the internal half. io.EOF, the end of a stream, stays itself.
func fromStatus(ctx context.Context, err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return err
	}
	var known *apperr.Error
	if errors.As(err, &known) {
		return err
	}
	answer, ok := status.FromError(err)
	if !ok {
		return apperr.Wrap(err, apperr.Internal, "INTERNAL", "Something went wrong on our side.")
	}
	rebuilt := &apperr.Error{Message: answer.Message()}
	for _, detail := range answer.Details() {
		switch d := detail.(type) {
		case *errdetails.ErrorInfo:
			if d.GetDomain() == domain {
				rebuilt.Code, rebuilt.Reason = apperr.Code(d.GetMetadata()[codeKey]), d.GetReason()
			}
		case *errdetails.BadRequest:
			for _, v := range d.GetFieldViolations() {
				rebuilt.Fields = append(rebuilt.Fields, apperr.Field{Name: v.GetField(), Reason: v.GetReason(), Message: v.GetDescription()})
			}
		}
	}
	if !rebuilt.Code.Known() || ctx.Err() != nil || rebuilt.Code == apperr.Canceled {
		return fromTransport(ctx, err, answer.Code())
	}
	if rebuilt.Code == apperr.DeadlineExceeded {
		// The other side's clock may strike a moment before ours.
		return apperr.Wrap(context.DeadlineExceeded, rebuilt.Code, rebuilt.Reason, rebuilt.Message)
	}
	return rebuilt
}

// fromTransport names failures that no handler of ours described.
func fromTransport(ctx context.Context, err error, code codes.Code) error {
	// Our own context ended: say so in a way that errors.Is finds.
	if ended := ctx.Err(); ended != nil {
		public := apperr.Public(ended)
		return apperr.Wrap(fmt.Errorf("%w: %w", ended, err), public.Code, public.Reason, public.Message)
	}
	switch code {
	case codes.Canceled:
		// Not by us, so the other side is going down. Were it called canceled
		// here, a loop would take it for its own stop and end quietly.
		return apperr.Wrap(err, apperr.Unavailable, "CONNECTION_LOST", "A part of the system cannot be reached right now.")
	case codes.DeadlineExceeded:
		return apperr.Wrap(fmt.Errorf("%w: %w", context.DeadlineExceeded, err), apperr.DeadlineExceeded, "DEADLINE_EXCEEDED", "This took too long. Please try again.")
	case codes.Unavailable:
		return apperr.Wrap(err, apperr.Unavailable, "UNREACHABLE", "A part of the system cannot be reached right now.")
	case codes.Unimplemented:
		// The other side runs an older version in the middle of an upgrade:
		// later it will know the method.
		return apperr.Wrap(err, apperr.Unavailable, "NOT_IMPLEMENTED", "A part of the system is being upgraded.")
	case codes.ResourceExhausted:
		return apperr.Wrap(err, apperr.TooLarge, "MESSAGE_TOO_LARGE", "That is more than can be sent at once.")
	}
	return apperr.Wrap(err, apperr.Internal, "INTERNAL", "Something went wrong on our side.")
}
