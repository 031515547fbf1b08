package apperr

import (
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
)

var errAppealClosed = New(Gone, "APPEAL_CLOSED", "This appeal is closed.")

func TestInternalHalfStaysInside(t *testing.T) {
	t.Parallel()
	cause := fmt.Errorf("dial tcp 10.0.0.7:5432: %w", io.ErrUnexpectedEOF)
	err := Wrap(cause, Unavailable, "LEDGER_UNREACHABLE", "The books cannot be read right now.")
	wrapped := fmt.Errorf("trial balance: %w", err)

	if !errors.Is(wrapped, io.ErrUnexpectedEOF) {
		t.Error("the cause cannot be found in its own process")
	}
	if !strings.Contains(wrapped.Error(), "10.0.0.7") {
		t.Error("the log does not tell the cause")
	}
	public := Public(wrapped)
	if public.Unwrap() != nil || strings.Contains(public.Error(), "10.0.0.7") {
		t.Errorf("the public half tells the cause: %v", public)
	}
	if public.Code != Unavailable || public.Reason != "LEDGER_UNREACHABLE" || public.Message != err.Message {
		t.Errorf("public half is %+v", public)
	}
}

func TestSentinelsMatchByCodeAndReason(t *testing.T) {
	t.Parallel()
	elsewhere := fmt.Errorf("start checkout: %w", New(Gone, "APPEAL_CLOSED", "Cet appel est terminé."))
	if !errors.Is(elsewhere, errAppealClosed) {
		t.Error("the same reason from another process is not recognised")
	}
	for _, other := range []error{
		New(Gone, "FUNDRAISER_CLOSED", "This page is closed."),
		New(NotFound, "APPEAL_CLOSED", "This appeal is closed."),
		io.EOF,
	} {
		if errors.Is(other, errAppealClosed) {
			t.Errorf("%v passes for a closed appeal", other)
		}
	}
}

func TestInvalidInputNamesItsFields(t *testing.T) {
	t.Parallel()
	err := Invalid(
		Field{"amount", "AMOUNT_EMPTY", "Enter an amount."},
		Field{"email", "EMAIL_MALFORMED", "Enter an e-mail address like name@example.org."},
	)
	public := Public(fmt.Errorf("donate: %w", err))
	if !reflect.DeepEqual(public.Fields, err.Fields) {
		t.Errorf("fields are %+v", public.Fields)
	}
	public.Fields[0].Name = "changed"
	if err.Fields[0].Name != "amount" {
		t.Error("changing the public half changed the error itself")
	}
	for _, word := range []string{"INVALID_INPUT", "amount: AMOUNT_EMPTY", "email: EMAIL_MALFORMED"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("the log line %q lacks %q", err, word)
		}
	}
}

func TestPublicHalfOfOtherErrors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		err  error
		code Code
	}{
		{errors.New("pq: password authentication failed for user donation"), Internal},
		{fmt.Errorf("ask: %w", context.Canceled), Canceled},
		{fmt.Errorf("ask: %w", context.DeadlineExceeded), DeadlineExceeded},
		{&Error{Code: "TEAPOT", Reason: "SHORT_AND_STOUT"}, Internal},
		{Wrap(context.Canceled, Aborted, "LOST_RACE", "Somebody was faster."), Aborted},
	}
	for _, tt := range tests {
		public := Public(tt.err)
		if public.Code != tt.code || CodeOf(tt.err) != tt.code {
			t.Errorf("Public(%v).Code = %s, want %s", tt.err, public.Code, tt.code)
		}
		if strings.Contains(public.Error(), "password") {
			t.Errorf("the public half tells %v", public)
		}
	}
	if Public(nil) != nil || CodeOf(nil) != "" || Permanent(nil) {
		t.Error("no error became one")
	}
}

// What a browser sees and what a consumer does, for every code there is.
func TestConsequences(t *testing.T) {
	t.Parallel()
	tests := []struct {
		code      Code
		status    int
		permanent bool
	}{
		{InvalidArgument, 422, true},
		{NotFound, 404, true},
		{AlreadyExists, 409, true},
		{FailedPrecondition, 409, true},
		{Gone, 410, true},
		{TooLarge, 413, true},
		{Unauthenticated, 401, true},
		{PermissionDenied, 403, true},
		{ResourceExhausted, 429, false},
		{Aborted, 409, false},
		{Unavailable, 503, false},
		{DeadlineExceeded, 503, false},
		{Canceled, 499, false},
		{Internal, 500, false},
	}
	if len(tests) != len(consequences) {
		t.Errorf("%d codes are tested, there are %d", len(tests), len(consequences))
	}
	for _, tt := range tests {
		if !tt.code.Known() || tt.code.HTTPStatus() != tt.status {
			t.Errorf("%s answers %d, want %d", tt.code, tt.code.HTTPStatus(), tt.status)
		}
		err := fmt.Errorf("apply event: %w", New(tt.code, "R", "m"))
		if Permanent(err) != tt.permanent {
			t.Errorf("Permanent(%s) = %t", tt.code, !tt.permanent)
		}
	}
	if Code("TEAPOT").Known() || Code("TEAPOT").HTTPStatus() != 500 {
		t.Error("an unknown code is not our fault")
	}
	if Permanent(errors.New("disk full")) {
		t.Error("an event would be parked for a full disk")
	}
}
