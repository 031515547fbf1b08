// Package apperr is the one type for errors that somebody has to act on.
//
// An Error has a public half (code, reason, message, fields) that crosses RPC
// and may be shown on a page, and an internal half (the wrapped cause) that
// never leaves the process and is only logged. errors.As and errors.Is work
// the same on both sides of a call, because the caller's side is rebuilt from
// the public half.
//
// Errors are values that are not changed after they were made; they may be
// used from several goroutines and kept as package-level sentinels.
package apperr

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Code says what kind of answer the caller gets.
type Code string

// The codes. What each means to a browser and to a consumer is in the table of
// traits below.
const (
	InvalidArgument    Code = "INVALID_ARGUMENT"    // the input is wrong; Fields say where
	NotFound           Code = "NOT_FOUND"           // there is none, or it is not yours
	AlreadyExists      Code = "ALREADY_EXISTS"      // that name or key is taken
	FailedPrecondition Code = "FAILED_PRECONDITION" // not in this state
	Gone               Code = "GONE"                // there was one, it is closed for good
	TooLarge           Code = "TOO_LARGE"           // more bytes than are read
	Unauthenticated    Code = "UNAUTHENTICATED"     // who is asking?
	PermissionDenied   Code = "PERMISSION_DENIED"   // known, and may not
	ResourceExhausted  Code = "RESOURCE_EXHAUSTED"  // too many, later again
	Aborted            Code = "ABORTED"             // lost a race, the same again may work
	Unavailable        Code = "UNAVAILABLE"         // something that is needed cannot be reached
	DeadlineExceeded   Code = "DEADLINE_EXCEEDED"   // took longer than the caller allowed
	Canceled           Code = "CANCELED"            // the caller went away
	Internal           Code = "INTERNAL"            // our fault
)

// traits are the consequences of a code.
type traits struct {
	status    int  // HTTP status of a page that meets it
	permanent bool // the same input will fail in the same way for ever
}

var consequences = map[Code]traits{
	InvalidArgument:    {422, true},
	NotFound:           {404, true},
	AlreadyExists:      {409, true},
	FailedPrecondition: {409, true},
	Gone:               {410, true},
	TooLarge:           {413, true},
	Unauthenticated:    {401, true},
	PermissionDenied:   {403, true},
	ResourceExhausted:  {429, false},
	Aborted:            {409, false},
	Unavailable:        {503, false},
	DeadlineExceeded:   {503, false},
	Canceled:           {499, false},
	// Not permanent: a database that is away looks like this to the caller,
	// and an event must not be parked for that.
	Internal: {500, false},
}

// Known reports whether c is one of the codes above.
func (c Code) Known() bool {
	_, known := consequences[c]
	return known
}

// HTTPStatus is the status a page answers with; 500 for a code that is none.
// 499 tells the access log that nobody was there any more to read the answer.
func (c Code) HTTPStatus() int {
	trait, known := consequences[c]
	if !known {
		return 500
	}
	return trait.status
}

// Field is what is wrong with one named part of the input.
type Field struct {
	Name    string // as in the form or the proto message: "amount"
	Reason  string // stable, for programs: "AMOUNT_EMPTY"
	Message string // in words, safe to show
}

// Error is an error with a public and an internal half.
type Error struct {
	Code    Code
	Reason  string // stable, for programs: "APPEAL_CLOSED"; unique within a code
	Message string // in words, safe to show; never holds what was wrapped
	Fields  []Field

	cause error
}

// New makes an error that has no cause in another one.
func New(code Code, reason, message string) *Error {
	return &Error{Code: code, Reason: reason, Message: message}
}

// Wrap gives cause a public half. The cause stays reachable by errors.Is, As
// and Unwrap in this process, is part of Error's text for logs, and does not
// cross RPC.
func Wrap(cause error, code Code, reason, message string) *Error {
	return &Error{Code: code, Reason: reason, Message: message, cause: cause}
}

// Invalid is the answer to input with something wrong in one or more fields.
func Invalid(fields ...Field) *Error {
	return &Error{
		Code:    InvalidArgument,
		Reason:  "INVALID_INPUT",
		Message: "Some of what was entered cannot be used.",
		Fields:  fields,
	}
}

// Error is for logs: the public half and everything wrapped below it. What
// people typed is not in it as long as messages don't hold it.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Reason)
	b.WriteString(": ")
	b.WriteString(e.Message)
	for _, f := range e.Fields {
		fmt.Fprintf(&b, " [%s: %s]", f.Name, f.Reason)
	}
	if e.cause != nil {
		b.WriteString(": ")
		b.WriteString(e.cause.Error())
	}
	return b.String()
}

// Unwrap returns the internal half, nil after the error crossed RPC.
func (e *Error) Unwrap() error { return e.cause }

// Is makes a sentinel match its like from another process: two errors are the
// same when code and reason are.
func (e *Error) Is(target error) bool {
	other, ok := target.(*Error)
	return ok && other.Code == e.Code && other.Reason == e.Reason
}

// Public returns the public half of err: what may cross RPC and be shown. An
// error that has none is Internal and says nothing about itself. Public(nil)
// is nil.
func Public(err error) *Error {
	if err == nil {
		return nil
	}
	var found *Error
	switch {
	case errors.As(err, &found):
		code := found.Code
		if !code.Known() {
			code = Internal
		}
		return &Error{Code: code, Reason: found.Reason, Message: found.Message, Fields: slices.Clone(found.Fields)}
	case errors.Is(err, context.Canceled):
		return New(Canceled, "CANCELED", "The request was given up.")
	case errors.Is(err, context.DeadlineExceeded):
		return New(DeadlineExceeded, "DEADLINE_EXCEEDED", "This took too long. Please try again.")
	}
	return New(Internal, "INTERNAL", "Something went wrong on our side.")
}

// CodeOf is the code of err's public half; "" for nil.
func CodeOf(err error) Code {
	public := Public(err)
	if public == nil {
		return ""
	}
	return public.Code
}

// Permanent reports whether trying the same again can only fail again, so that
// a consumer parks it. Errors without a public half are not permanent: they
// are mostly a network or a disk, and retrying loses nothing.
func Permanent(err error) bool {
	return consequences[CodeOf(err)].permanent
}
